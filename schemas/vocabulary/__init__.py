"""The words of policies, one file a section; ``schemas.policy`` puts them together into a document."""
