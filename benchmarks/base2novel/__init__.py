"""The base-to-novel benchmark on the drawn world: every method of the ablations over many seeds.

``python -m ga2app bench base2novel`` runs it, in a checkout and where a wheel is installed, which takes this folder
along as ``ga2app/shipped/base2novel``; so the modules here import each other relatively.
"""
