"""Why a call does not arrive: what a stack should be, compared with what its live clusters are."""
