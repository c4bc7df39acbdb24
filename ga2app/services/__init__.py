"""The use cases, one module each: what pages, endpoints, agents and commands call.

Classes are concrete and take the ``Studio`` that they work on; torch, decoders and the Hub are imported inside their
methods, so that importing this package loads nothing.
"""
