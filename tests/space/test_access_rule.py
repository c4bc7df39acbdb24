"""Who may change something in a Space, and what the others are told; what a Space's variables say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ga2app.errors import ConfigError
from ga2app.services.space import Access, Space, Visitor, on_zero_gpu, present_space, refusal

OWNED = Space("alice/studio", "alice")
SHARED = replace(OWNED, access=Access.SIGNED_IN)
SIGN_IN = {
    "SYSTEM": "spaces",
    "OAUTH_CLIENT_ID": "id",
    "OAUTH_CLIENT_SECRET": "secret",
    "OAUTH_SCOPES": "openid profile",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
}
STRANGER, BOB, ALICE = Visitor(), Visitor("bob"), Visitor("Alice")


@pytest.mark.parametrize(
    ("space", "visitor", "may"),
    [
        (OWNED, STRANGER, False),
        (OWNED, BOB, False),
        (OWNED, ALICE, True),
        (OWNED, Visitor("alice2"), False),
        (OWNED, Visitor(has_key=True), True),
        (replace(OWNED, owners=("bob",)), BOB, True),
        (replace(OWNED, author="lab"), Visitor("bob", frozenset({"lab"})), True),
        (replace(OWNED, author="lab"), Visitor("bob", frozenset({"other"})), False),
        (SHARED, STRANGER, False),
        (SHARED, BOB, True),
        (SHARED, ALICE, True),
    ],
)
def test_the_owner_or_who_is_signed_in_may_change_things(space: Space, visitor: Visitor, may: bool) -> None:
    assert (refusal(space, visitor) == "") is may


def test_who_may_not_is_told_what_to_do() -> None:
    assert "belong to its owner, alice: sign in at the top if that is you" in refusal(OWNED, STRANGER)
    assert "you are signed in as bob; duplicate the Space" in refusal(OWNED, BOB)
    assert "belong to whoever made them: sign in with Hugging Face" in refusal(SHARED, STRANGER)
    unable = replace(OWNED, no_sign_in="its README lacks 'hf_oauth: true'")
    assert "nobody can sign in here, because its README lacks 'hf_oauth: true'" in refusal(unable, STRANGER)
    for space in (OWNED, SHARED, unable):
        assert refusal(space, STRANGER).endswith("and so is recognizing")


def test_off_a_space_there_is_no_rule() -> None:
    assert present_space({}) is None
    assert present_space({"GA2_ACCESS": "nonsense"}) is None


def test_the_owner_alone_is_the_default() -> None:
    space = present_space({"SPACE_ID": "alice/studio", **SIGN_IN})
    assert space == Space("alice/studio", "alice", Access.OWNER, no_sign_in="")
    assert (space.gpu_s, space.zero_gpu, space.keeps) == (60, False, False)


def test_its_variables_are_read() -> None:
    told = {
        "SPACE_ID": "lab/studio",
        "SPACE_AUTHOR_NAME": "lab",
        "GA2_ACCESS": "signed-in",
        "GA2_OWNERS": "bob, carol,",
        "GA2_KEY": "0123456789abcdef",
        "GA2_GPU_SECONDS": "120",
        "GA2_HOME": "/data/ga2",
        "SPACES_ZERO_GPU": "true",
    }
    space = present_space(told | SIGN_IN)
    assert space is not None
    assert (space.access, space.owners, space.gpu_s) == (Access.SIGNED_IN, ("bob", "carol"), 120)
    assert space.zero_gpu and space.keeps
    assert "0123456789abcdef" not in repr(space)


@pytest.mark.parametrize("lacking", SIGN_IN)
def test_a_space_without_all_of_the_sign_in_starts_all_the_same_and_knows_it(lacking: str) -> None:
    told = {name: value for name, value in SIGN_IN.items() if name != lacking}
    space = present_space({"SPACE_ID": "alice/studio"} | told)
    assert space is not None and "hf_oauth: true" in space.no_sign_in


def test_every_variable_at_fault_is_named_at_once() -> None:
    wrong = {"SPACE_ID": "a/b", "GA2_ACCESS": "everyone", "GA2_GPU_SECONDS": "soon", "GA2_KEY": "short"}
    with pytest.raises(ConfigError) as caught:
        present_space(wrong)
    assert [fault.field for fault in caught.value.faults] == ["GA2_ACCESS", "GA2_GPU_SECONDS", "GA2_KEY"]
    assert "must be owner or signed-in, not 'everyone'" in str(caught.value)
    assert "'short'" not in str(caught.value)


@pytest.mark.parametrize(("said", "lent"), [("true", True), ("1", True), ("T", True), ("false", False), ("", False)])
def test_zero_gpu_is_told_by_the_hubs_own_variable(said: str, lent: bool) -> None:
    assert on_zero_gpu({"SPACE_ID": "a/b", "SPACES_ZERO_GPU": said}) is lent
    assert not on_zero_gpu({"SPACES_ZERO_GPU": said})
