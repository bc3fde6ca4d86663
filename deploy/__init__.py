"""How it is put together and run: command line, local stack, topics, demo."""
