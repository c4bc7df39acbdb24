"""The paper's protocols: base-to-novel, few-shot and cross-data-set, each over several few-shot draws.

A draw is one training: its seed chooses the shots, the start of the prompts and the order of the clips. Every draw is a
bundle in a folder of its own; a draw that is finished is measured again and not trained again.
"""
