"""Single mistakes in the limits, tickets and sign-ins that no other test would notice: `mutate` showed them."""
