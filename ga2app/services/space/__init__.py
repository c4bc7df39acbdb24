"""The app as a Hugging Face Space: what the Space's variables say, who may do what, and the folder that makes one."""

from ga2app.services.space.access_rule import Visitor, is_owner, refusal
from ga2app.services.space.space_folder import SpaceFolder, make_space
from ga2app.services.space.space_settings import Access, Space, on_zero_gpu, present_space

__all__ = [
    "Access",
    "Space",
    "SpaceFolder",
    "Visitor",
    "is_owner",
    "make_space",
    "on_zero_gpu",
    "present_space",
    "refusal",
]
