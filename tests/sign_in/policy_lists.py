"""Passwords that a policy has to refuse, by what it says about them, and others that it has to allow."""

from __future__ import annotations

from typing import Final

_BAD: Final = {
    "derivable_from_contact": r"""
Rosella Abbiatici
RosellaAbbiatici
RosellaRosella1
Abbiatici2026!!!!
abbiaticirosella
AbbiaticiR123456
rosellaabbiatici2026
rosella12345678
Rosella!Rosella!
Rosella 12.05.1990
Abbiatici5551234567
r.abbiatici77@example.com
""",
    "username": r"""
parent77xparent77x
""",
    "context_word": r"""
schoolschoolschool
school1234567890
portalportalportal
parentportal2026
lincoln lincoln 1
Lincoln2026Lincoln
LincolnHighSchool1
sunnyportal12345
""",
    "telephone_number": r"""
+1 (555) 123-4567
+1-555-123-4567
+49 151 23456789
+49 30 12345678
0049 151 23456789
+44 20 7946 0958
(555) 123-4567 (555) 123-4567
555-123-4567 555-123-4567
5551234567 5551234567
+33 6 12 34 56 78
tel. 0151 2345678
12.3.1990 12.3.1990
00441632960123 1
+49 (0)30 1234567
tel: +49 30 123456
""",
    "date": r"""
12.05.1990 12.05.1990
12/05/1990 12/05/1990
1990-05-12 1990-05-12
1990-05-12 2015-11-30
12051990 12051990
1205199012051990
19900512 19900512
01.01.2000-31.12.2020
01012000 31122020
2024202520262027
1987 1989 1991 1993
12 May 1990 12 May 1990
May 12 1990 May 12
25/12/2025 25/12/2026
20260101 20260102
2026-07-04T12:00
Welcome2026Welcome
football2026football
SummerSummer2026
Summer2026Summer2026
Summer2026Winter2025
Winter2025!Winter2025!
Spring2026!Spring2026!
January2026January2026
Sommer2026Sommer2026
princess20262026
administrator2026
2026password2026
ParentParent2026
January 1st, 2024
4th of July 1998
12 de mayo de 1990
Monday, 3 March 2025
14 juillet 1989 1989
30 сентября 1999
Christmas2025!!
August2025August2025
letmein2026letmein
Baseball2024!!!
""",
    "keyboard_walk": r"""
1234567890abcdefghij
ｑｗｅｒｔｙｕｉｏｐａｓｄｆｇ
qwertyuiopasdfg
qwertyuiopasdfgh
qwertyuiopasdfghjklzxcvbnm
QWERTYUIOPASDFGH
poiuytrewqlkjhgfdsa
mnbvcxzlkjhgfdsapoiuytrewq
asdfghjklzxcvbnm
asdfghjklasdfghjkl
zxcvbnmasdfghjkl
1234567890qwertyuiop
qwertzuiopasdfgh
qwertzuiopüasdfgh
yxcvbnmasdfghjkl
azertyuiopqsdfgh
azertyazertyazerty
azertyuiopqsdfghjklm
йцукенгшщзхъфывап
йцукенйцукенйцукен
фывапролджэячсмить
ЙЦУКЕНГШЩЗФЫВАПР
!QAZ2wsx#EDC4rfv
!@#$%^&*()!@#$%^&*()
!@#$%^&*()_+!@#
!"§$%&/()=!"§$%&/()=
mkonjibhuvgycftxdrz
zse4xdr5cft6vgy7
',.pyfgcrlaoeuidhtns
aoeuidhtnsaoeuidhtns
ςερτυθιοπασδφγηξ
ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎ
qwerty!@#$%^qwerty
asdf;lkjasdf;lkj
1234qwer!@#$QWER
qqqwwweeerrrttt
1qazxsw23edcvfr4
""",
    "sequence": r"""
aaaabbbbccccdddd
aabbccddeeffgghh
112233445566778899
1122334455667788
abcdefghijklmno
abcdefghijklmnopqrstuvwxyz
ABCDEFGHIJKLMNOP
zyxwvutsrqponml
ponmlkjihgfedcba
012345678901234
123456789012345
1234567890123456
987654321098765
543210987654321
9876543210987654
0123456789abcdef
abcdefgh12345678
abcdefghij1234567890
a1b2c3d4e5f6g7h8
1a2b3c4d5e6f7g8h
a1a2a3a4a5a6a7a8
acegikmoqsuwybdf
13579135791357913
2468101214161820
10111213141516171819
01020304050607080910
05101520253035404550
12345678910111213
abcdefghgfedcbabcd
123456787654321
1234567887654321
١٢٣٤٥٦٧٨٩٠١٢٣٤٥
०१२३४५६७८९०१२३४
１２３４５６７８９０１２３４５
①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮
абвгдеёжзийклмно
αβγδεζηθικλμνξο
яюэьыъщшчцхфутср
אבגדהוזחטיכלמנסע
あいうえおかきくけこさしすせそ
アイウエオカキクケコサシスセソ
가나다라마바사아자차카타파하가
qwerty1234567890
qazwsxedcrfvtgbyhn
1qaz2wsx3edc4rfv5tgb
zaq1xsw2cde3vfr4
q1w2e3r4t5y6u7i8
1!2@3#4$5%6^7&8*
qawsedrftgyhujik
plokijuhygtfrdeswaq
741852963741852
+7 (912) 345-67-89
Password12345678
password123456789
P@ssw0rd12345678
iloveyou12345678
Football12345678
january-february
MondayTuesdayWednesday
Passwort12345678
пароль1234567890
sunshine12345678
qwertyqwerty12345
admin1234567890!
administrator12345
changeme12345678
basketball123456
hello1234567890
hellohello123456
master1234567890
123456789password
1234567890password
one two three four
onetwothreefourfive
einszweidreivier
1234qwerasdfzxcv
qwerasdfzxcv1234
(030) 1234567890
030/1234567 030/1234567
5551234567password
jesus12345678910
aqswdefrgthyjukilo
098765432109876
zyxwvutsrqponmlkjihgfedcba
abcdeabcdeabcde
aaabbbcccdddeee
a-b-c-d-e-f-g-h-i
1-2-3-4-5-6-7-8-9
ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟ
甲乙丙丁戊己庚辛壬癸甲乙丙丁戊
一二三四五六七八九十一二三四五
lundi mardi mercredi
lunes martes miercoles
dosetresquatrocinco
alphabetagammadelta
eins zwei drei vier fünf
onetwothree123456
""",
    "repetition": r"""
aaaaaaaaaaaaaaa
AAAAAAAAAAAAAAAA
111111111111111
000000000000000000
...............
!!!!!!!!!!!!!!!!
ababababababababab
abababababababa
aaaaaaabbbbbbbb
aaabbbaaabbbaaabbb
aabbaabbaabbaabb
112211221122112
101010101010101
010101010101010101
abcabcabcabcabc
abcabcabcabcabcabcabc
123123123123123
123412341234123412
1212121212121212
xyxyxyxyxyxyxyxy
abcdabcdabcdabcd
qweqweqweqweqwe
asdasdasdasdasd
zxczxczxczxczxc
passpasspasspass
lalalalalalalala
hahahahahahahaha
tototototototototo
xoxoxoxoxoxoxoxo
aaaaabbbbbccccc
1357924680135792
qwertyqwertyqwerty
qwaszxqwaszxqwaszx
147258369147258
159357159357159357
789456123789456123
123654789987456321
951753951753951753
1990199019901990
summersummersummer
adminadminadmin
passwordpassword
passwordpasswordpassword
PasswordPassword1
P@ssw0rdP@ssw0rd
p4ssw0rdp4ssw0rd
Passw0rd!Passw0rd!
letmeinletmeinletmein
welcomewelcome123
welcome1welcome1
iloveyouiloveyou
iloveyou iloveyou
monkeymonkeymonkey
dragondragondragon
footballfootball
passwortpasswort
contraseñacontraseña
motdepassemotdepasse
парольпарольпароль
любовьлюбовьлюбовь
princessprincess
sunshine sunshine
qwerty12345qwerty
admin123admin123
changemechangeme
abc123abc123abc123
trustno1trustno1
michaelmichael99
jessica jessica 1
jordan23jordan23
starwarsstarwars
pokemonpokemon123
baseball baseball
chocolatechocolate
mypasswordmypassword
testtesttesttest
test1234test1234
secretsecretsecret
hellohellohello
loveloveloveloveLove
shadow shadow 123
0000password0000
drowssapdrowssap
teacherteacher123
👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍
😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀
👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦
❤️❤️❤️❤️❤️❤️❤️❤️
😀😁😀😁😀😁😀😁😀😁😀😁😀😁😀
中中中中中中中中中中中中中中中
密码密码密码密码密码密码密码密码
éééééééééééééééé
ａｂｃａｂｃａｂｃａｂｃａｂｃ
----------------
-=-=-=-=-=-=-=-=-=
*#*#*#*#*#*#*#*#
asdf1234asdf1234
asdfasdfasdfasdf
zxcvzxcvzxcvzxcv
q1q1q1q1q1q1q1q1
aaaaaaaaaaaaaa1
1aaaaaaaaaaaaaa
aaaaaaaaaaaaaaaaaaaaaaaaaaab
00000000000000001
abc123456789abc
xxxxxxxxxxxxxxxx1!
blink182blink182
ilovemydogilovemydog
аааааааааааааааа
раsswоrdраsswоrd
sommersommersommer
sonnenblumesonnenblume
primaveraprimavera
солнышкосолнышко
mamamamamamamama
la primavera la primavera
zebra zebra zebra
PASSWORD password Password
Pass-word-Pass-word-1
1password1password1
welcome welcome welcome
Dragon!Dragon!Dragon!
monkey123monkey123
ABCabcABCabcABC
ßßßßßßßßßßßßßßß
ººººººººººººººº
あああああああああああああああ
🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪
👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽
🎉🎊🎉🎊🎉🎊🎉🎊🎉🎊🎉🎊🎉🎊🎉
""",
    "common": r"""
qazwsxedcrfvtgb
1qaz2wsx3edc4rfv
1q2w3e4r5t6y7u8i
1q2w3e4r5t6y7u8i9o0p
admin password 1
passwordadmin123
password welcome
batmansuperman12
correcthorsebatterystaple
correct horse battery staple
thisismypassword
this is my password
testpassword1234
secretpassword1
p-a-s-s-w-o-r-d-1-2-3
p a s s w o r d 1 2 3
iloveyoumom12345
liverpoolchelsea
ferrari porsche
""",
}

_GOOD: Final = {
    "sentences": r"""
The cat sleeps on the old red sofa.
my grandmother bakes bread on Sunday
I like big dogs
we eat pizza on fridays
Never trust a talking parrot!
seven green bottles on a wall
coffee before talking please
My bike has two flat tires
rain in the summer is warm
she sells sea shells by the shore
three purple elephants
purple monkey dishwasher
black cat dancing
blue sky over london
sunday market flowers
winter is cold in boston
one green apple tree
monday morning rain
I love my two cats
our house has a red door
love is a long road
the moon is made of cheese
please water my plants
yellow submarine sandwich
mountain river stone
ich gehe gern im Wald spazieren
Der Hund bellt den Mond an
heute gibt es Nudeln
mein Fahrrad ist kaputt
Der Kaffee ist zu heiß
Oma backt am Sonntag Kuchen
Frische Fische am Freitag
Zahnbürste Laterne Käse
Regen macht mich müde
drei kleine Katzen
Le chat dort sur le canapé
j'aime le fromage bleu
ma voiture est en panne
le train part à midi
mon chien mange tout
trois petits cochons roses
La vie est belle à Paris
El perro come en la cocina
me gusta el café con leche
mañana voy a la playa
mi abuela hace tamales
la luna brilla esta noche
tengo dos gatos negros
Il gatto dorme sul divano
mi piace la pizza con funghi
domani vado al mare
la mia bici è rossa
O cachorro late à noite
eu gosto de café preto
amanhã vou à praia
minha avó faz bolo
De kat slaapt op de bank
ik hou van oude kaas
morgen ga ik fietsen
mijn fiets is gestolen
Katten sover på soffan
jag gillar svart kaffe
min cykel är röd
Hunden spiser i køkkenet
jeg kan lide ost og brød
Katten sover på sofaen
jeg liker brun ost
Kissa nukkuu sohvalla
minä rakastan saunaa
huomenna sataa lunta
Kot śpi na kanapie
lubię czarną kawę
jutro jadę nad morze
Kočka spí na gauči
mám rád černou kávu
zítra pojedu k moři
Mačka spí na pohovke
A macska a kanapén alszik
szeretem a fekete kávét
holnap esni fog
Pisica doarme pe canapea
îmi place cafeaua neagră
mâine mergem la mare
Котка спи на дивана
обичам черно кафе
Кошка спит на диване
я люблю чёрный кофе
завтра будет дождь
мой велосипед сломан
Кішка спить на дивані
я люблю чорну каву
завтра буде дощ
Мачка спава на каучу
волим црну кафу
Mačka spava na kauču
volim crnu kavu jutrom
Mačka spi na kavču
Η γάτα κοιμάται στον καναπέ
μου αρέσει ο καφές
αύριο θα βρέξει πολύ
Kedi kanepede uyuyor
siyah kahve severim
yarın yağmur yağacak
القطة تنام على الأريكة
أحب القهوة السوداء
غدا سوف تمطر كثيرا
החתול ישן על הספה
אני אוהב קפה שחור
מחר ירד גשם חזק
گربه روی مبل خوابیده
من قهوه سیاه دوست دارم
بلی صوفے پر سوتی ہے
बिल्ली सोफे पर सोती है
मुझे काली कॉफी पसंद है
कल बारिश होगी शायद
বিড়াল সোফায় ঘুমায়
আমি কালো কফি পছন্দ করি
பூனை சோபாவில் தூங்குகிறது
எனக்கு காபி பிடிக்கும்
పిల్లి సోఫా మీద పడుకుంటుంది
ಬೆಕ್ಕು ಸೋಫಾ ಮೇಲೆ ಮಲಗಿದೆ
പൂച്ച സോഫയിൽ ഉറങ്ങുന്നു
બિલાડી સોફા પર સૂવે છે
ਬਿੱਲੀ ਸੋਫੇ ਤੇ ਸੌਂਦੀ ਹੈ
බළලා සෝෆාවේ නිදයි
แมวนอนบนโซฟาสีแดง
ฉันชอบดื่มกาแฟดำ
พรุ่งนี้ฝนจะตกหนัก
ແມວນອນຢູ່ເທິງໂຊຟາ
កូនឆ្មាដេកលើសាឡុង
ကြောင်က ဆိုဖာပေါ်မှာ အိပ်တယ်
Con mèo ngủ trên ghế
tôi thích cà phê đen
ngày mai trời mưa to
kucing tidur di sofa
saya suka kopi hitam
besok pasti hujan
gusto ko ng kape
natutulog ang pusa
paka analala kwenye kochi
ninapenda kahawa
nguni inja iyadla
ikati lilele kusofa
die kat slaap op die bank
ek hou van koffie
kopi no ka hale
e hele ana au i ka hale
ua mau ke ea o ka aina
kei te moe te ngeru
he aha te mea nui o te ao
katua sofan lo dago
kafea gustatzen zait
el gat dorm al sofà
m'agrada el cafè negre
o gato durme no sofá
mae'r gath yn cysgu
dw i'n hoffi coffi
tá an cat ina chodladh
is maith liom caife
tha an cat na chadal
kötturinn sefur í sófanum
mér finnst kaffi gott
kass magab diivanil
mulle meeldib kohv
kaķis guļ uz dīvāna
man garšo melna kafija
katė miega ant sofos
man patinka juoda kava
macja fle në divan
më pëlqen kafeja
კატა დივანზე სძინავს
მიყვარს შავი ყავა
կատուն քնում է բազմոցին
мысық диванда ұйықтап жатыр
мушук диванда ухлаяпти
pişik divanda yatır
муур буйдан дээр унтаж байна
ድመቷ ሶፋው ላይ ተኝታለች
ድመት ሶፋ ላይ ትተኛለች ዛሬ
明天可能会下雨所以记得带雨伞出门
床前明月光疑是地上霜举头望明月
毎朝濃いブラックコーヒーを飲む
わたしはあかいりんごがすきです
고양이는 소파에서 자고 있어요
나는 매일 블랙커피를 마셔요
kato dormas sur la sofo
mi tre ŝatas kafon
feles in lecto dormit
gallia est omnis divisa
cogito ergo sum hodie
quam ob rem hic sum
three purple elephants
my grandmother's blue teapot
Kaffee um halb sieben!
rain, rain, go away today
drei Birnen & ein Apfel
I'd rather be sailing
the answer is 42 apples
password managers are great
never forget the milk again
summer in my garden 1974
love, peace and pancakes
Football on Sunday with Ana
orange bicycle monday rain
my sister lives in Oslo
abc is how the song goes
we met on 12 May 1990 in Rome
call grandma at 555-1234 today
hello world from a tiny house
qwerty keyboards annoy me
dragon, castle, river, moon
purple monkey dishwasher
three blind mice ran uphill
Rosella likes warm bread
the Abbiatici family dog barks
Lincoln rode a bicycle home
school starts at half past
banana bandana Montana
Mississippi riverboat queen
row, row, row your old boat
never say never again, please
no no no, said the old cat
tick tock goes the big clock
Sommerregen riecht nach Staub
Zwei Elefanten trinken Tee
trink mehr Wasser, Karl!
où est passé mon parapluie
le 14 juillet on danse tard
¿dónde está mi paraguas?
piove, governo ladro, oggi
mañana, mañana y otra vez
pão de queijo às 7h30
wat een mooi weer, zeg
smörgås med räksallad
æbleskiver og varm gløgg
jablko, hruška a dvě švestky
żółta łódź podwodna płynie
сьогодні сонячно і тепло
мама мыла раму, папа спал
три медведя варят суп
καλημέρα σε όλο τον κόσμο
bir fincan kahve lütfen
قهوة الصباح مع الحليب
לחם עם חמאה ודבש
मेरी दादी की चाय मीठी है
ข้าวผัดกุ้งกับน้ำส้ม
phở bò tái nạm gầu gân
苹果香蕉橙子西瓜葡萄都非常好吃
猫がこたつで丸くなる冬の朝です
감자 고구마 옥수수 그리고 호박죽
Taumatawhakatangihanga koauau
Llanfair­pwllgwyngyll bus
mfvzhgkqwdjnbtxrlpsc
Tr0ub4dor&3 and a stapler
4 score & 7 years ago we sang
e=mc^2 said the physicist
x²+y²=z² für Anfänger
C8H10N4O2 keeps me awake
git push --force is scary
N 52°31' E 13°24' Berlin
🐙 loves 🍕 and 🌵 hates 🎈
""",
    "words": r"""
waggle harmonics even
cattle thus freely
compress happiest unnamed
marbling manger robotics
stout hacking hesitancy
elk shindig footsie
vocalize-garment-reseal-gating
earring-overpass-upscale-spectator
showoff-criteria-shampoo-upstart
yodel-credit-atlantic-quench
cylinder-flagstone-font-surcharge
verbalize-dancing-deferral-contempt
relearnpreplanundead
abidecanningarrange
endorphinmashingkimono
genrevoltagesetting
scotchshoveamends
wildlyhypnosessterile
squat cone wafer urban
malt dusk clip yummy
carol grave dairy shop
ooze repay scoff flask
prize rebel puma trio
drama hurt scary sift
abdruck draht lehm vase
koffer mais habicht marmor
knopf impfen april leim
jaguar reden kittel keule
kresse stark farn korn
kaffesump uppbackare tillvara
zlatanolog matpaket valt
familjebil fan polisman
trassel krank ryck
yhteiskuntafilosofia dieselmoottori luisua
ohimennen kiinteistölaina arvonlisäverollinen
luottotiedot positivisti lantto
kelmetä rääyttää ilmaontelo
comparaîtrons arc réchauffiez
heurteras quiche inaugurent
rejoindrions maternerons oesophages
culturelles respectables simulent
gramalla.cuadringentésima.capuchina
afrodita.desabrigada.predicha
chantado.vascular.multiplicando
redolón.cejilla.ecotado
orientar agrupa morrido
afazeres alcaide desejada
tornaria morreu Richie
baixos Michigan libra
sumobryting-bunnstoff-flerfargetrykk
kompensasjonssystem-overstyrmann-gjennomprøvning
fellesutgift-bredskuldret-organisasjonsproblem
fasesystem-glasøye-avløser
costantinopoli definisce nucleo
ricordare lussemburgo approssimativamente
vienna riduzione south
madonna pallone tentativo
schund_gehalt_ursprung
hochgearbeitet_aufmischen_wappnen
reizen_paarmal_randvoll
clown_leber_ineffizient
""",
    "words and digits": r"""
sushiwhomever2447
setbackretract5439
spoilagemural4600
kindnesssmuggling2028
wagersurgical2843
underfedferris9840
scribing-242-crunchy-angriness
upward-178-pliable-cork
sixth-442-approval-sprout
jigsaw-745-strangle-dilute
unharmed-948-citable-circling
TweedNeglectorGrip40!
UnafraidFlatfootRefinance64!
BroncoUnpackSalvage73!
PreshowDrillerUnearth20!
KangarooUnclipPaprika78!
24 samen 39 dagegen
99 teekanne 74 verebben
44 wahlabend 62 echoartig
80 echtheit 73 kauen
erranza llamarada 7388 capitón
amílico inmerecida 5480 lujuriar
ejercer candado 9251 ranunculácea
garguero flojera 5682 arropera
""",
    "random": r"""
G3Xp0OBWyCQE5ey
ZK0THW3NAbw1b22
sm3c9r41dx20WjM
Zk7FiYht1zHxfp8
B7JeQRAsZJMYayM
B17ITH9m1oTK84z
pjhn2w4yO7jPubo
f9lNjwvJiH4pmWv
NUf6tOhUBzqtfV6eNro6
7qeF9wo9sBF5SYPs6dyJ
ToaQTnzG5N5PZYbzSElH
TPxFU7X3A3wuu8TKVWc5
zvkzggbrxpjlcah
rtvxobammzbytjw
lrsmaeyxfzymvnv
grbuldfivvgwbdl
abtukfrldjvuvod
ce371e9a194ce74ddff5
c8468abec84f79d86a08
27489a94d373e75012b3
c4ea1b19f2f051f7f3e6
cc8400abe59890f7da5d
Xmy{3&J]H&F_~x#
3E|ngQw:]%(S7&(
[p0P?A=|%m4y0_8
H`$:P14VoPh7qo4
XnH6^?vK'/NSW4G
37139016472552386489
92549708454916373217
20805154600686805677
VZFUJAVGKPHIRAJJ
LTGMHYAALESTKGJB
BCFZYCUBECQAQIJV
d3d35b06-3e80-491a-bbb2-310cbe9fa550
8a7d0560-9ccb-4d54-be09-89872c8c73d0
fbf48fe2-534d-40b3-ab1e-c6d621accb28
ihQtHD-rYNmJn-kR3uJD
rT7XlM-2gSihc-bFEFih
NhfQv5-AeDK7S-RNh6Ov
фуююаснфиатоюнбт
мюддщшооюркгтдкн
мтхчлгозгжучээзщ
μφξθφκδτσωεβψονφ
υμναεβτδηφζθρθφδ
צסולביחטקנחקדנלס
זשגצידפגכקחידויז
pikomumenedapagafi
bavoremukunidalabu
solegesodofenavike
副傥儜亻咃区五咊乸午员哦叶僒哳
伶僞候哋劐勁传內叻呛咉供募吨呌
떞뢙묥쓂멜긢욢뱄빦뫗냕꾑쳼졨캹
뎹꾎쫌쾧엎읅땭냃삄뛱뺊뮝쓧몬륂
🦄🦄🐙🐻🦊🚲🐶🦄🎈🦊🐝😀🐶🌵🌵🐙
🐻🐸🐝🐶🐼🍕🚲🐻🐙🐻🦄😀🐶🌵🐻🐼
""",
}

_OF_BLANKS: Final = (" " * 15, " " * 14 + "a", "a" + " " * 14, "\u3000" * 15, "\u00a0 " * 8)

BAD: Final = {code: tuple(lines.split("\n")[1:-1]) for code, lines in _BAD.items()}
BAD["repetition"] += _OF_BLANKS
"""What must be refused, under the code that must be among the reasons; the account is Rosella Abbiatici's."""

GOOD: Final = {kind: tuple(lines.split("\n")[1:-1]) for kind, lines in _GOOD.items()}
"""What must be allowed: sentences in many languages, and what generators make."""
