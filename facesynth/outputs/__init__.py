"""Where results go: names that mirror the inputs', and an output tree that never touches an input."""

from facesynth.outputs.folder_names import FolderNames
from facesynth.outputs.name_book import NameBook
from facesynth.outputs.names import FACE_TAIL, SHEET, SHEET_TEXT, folded, is_sheet, mirrored_names, numbered
from facesynth.outputs.shard_claim import ShardClaim
from facesynth.outputs.shard_file import Member
from facesynth.outputs.shards import Shards
from facesynth.outputs.tree import OutputTree

__all__ = [
    "FACE_TAIL",
    "SHEET",
    "SHEET_TEXT",
    "FolderNames",
    "Member",
    "NameBook",
    "OutputTree",
    "ShardClaim",
    "Shards",
    "folded",
    "is_sheet",
    "mirrored_names",
    "numbered",
]
