"""How long tests wait for what comes at once, or never."""

# On a slow and busy machine too, only what hangs takes so long.
HANGS_S = 600
