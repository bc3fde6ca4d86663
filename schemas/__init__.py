"""The contract: what crosses a process, and the words everybody uses."""
