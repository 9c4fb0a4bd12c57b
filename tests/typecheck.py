"""How the annotations of the package are checked while the tests run (see pyproject.toml)."""

from beartype import BeartypeConf, beartype

# A whole number is welcome where a float is asked for, as in Python's own typing (PEP 484).
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
