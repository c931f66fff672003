"""Draw passphrases from 256 words: eight bits each."""

from __future__ import annotations

from typing import Final

# Chosen for this package: things a child can name, 4 to 9 lower-case ASCII letters, no word one letter away from
# another nor the beginning of another, none spelt in two ways. Changing the list changes the ids of strategies over it.
_TEXT: Final = """
acorn actor album amber anchor angle apple apron arrow atlas autumn badge bagel baker ballet bamboo banjo barrel
basil basket beach beaver beetle berry bicycle birch biscuit blanket blossom bonnet bottle branch bread brick bridge
broom bubble bucket butter button cabin cactus camel camera camping candle canoe canvas carpet carrot cashew castle
cedar cello chalk chapel cheese cherry chess cinema circle clock cloud clover coffee collar comet compass cookie
copper coral cotton cousin crane crayon cricket crystal cupboard curtain cushion daisy dancer desert diamond dinner
dolphin domino dragon drawer drum eagle earth easel echo elbow elephant engine envelope falcon farmer feather fiddle
finger flute forest fossil frost galaxy garden garlic giant giraffe glacier glove goose grape guitar hammer harvest
hazel hedge helmet heron hockey honey horse iguana island ivory jacket jaguar jersey jigsaw jungle kayak kettle
kitchen kitten koala ladder lagoon lantern laptop lemon lentil leopard letter lilac linen lizard llama lobster lotus
magnet magpie mango maple marble market meadow melon mirror monkey mosaic motor mountain muffin museum napkin needle
noodle nutmeg oasis ocean octopus olive onion opera orange orchard ostrich otter oven oyster paddle painter palace
panda papaya paper pebble pencil penguin pepper piano picnic pigeon pillow pilot pirate planet pocket pony potato
puzzle quarter quilt rabbit radio rainbow rhubarb ribbon river robin sailor salmon sandal scooter shadow shovel
silver sketch spider spoon square stable statue summer sunset tablet teapot temple thunder ticket tiger timber toast
tomato tractor trumpet tulip tunnel turtle umbrella valley vanilla velvet violin volcano wagon walnut walrus window
winter yellow zebra
"""

WORDS: Final = tuple(_TEXT.split())
"""Sorted, without duplicates."""
