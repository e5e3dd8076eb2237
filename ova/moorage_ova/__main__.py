"""`python -m moorage_ova`."""

from moorage_ova.cli import main

if __name__ == "__main__":
    main(prog_name="python -m moorage_ova")
