"""Origins: where raw records come from, and how reading is resumed."""
