"""Findings -> what follows: how loud (`lanes`), who is told (`telling`), which tickets (`reviewing`), and all of it (`deciding`)."""
