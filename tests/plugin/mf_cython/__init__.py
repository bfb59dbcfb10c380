"""A plugin of mfbench: one backend, found by its entry point."""
