"""Starting points for a backend: each file runs and agrees as it stands.

`mfbench new` copies one under another name. They are read as text and never imported here.
"""
