"""Users' own services, of every protocol and shape, on the stack: created and exported once for all tests here."""
