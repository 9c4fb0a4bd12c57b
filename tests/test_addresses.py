import pytest

from cutaway.addresses import expect_no_secret, is_address
from cutaway.errors import UsageError


@pytest.mark.parametrize("data", ["s3://b/x", "hf://datasets/a/b", "https://c/d.zip", "gs://b"])
def test_an_address_names_data_elsewhere(data: str) -> None:
    assert is_address(data)
    expect_no_secret(data)


@pytest.mark.parametrize("data", ["photographs", "C:\\x", "a/b", "C://x", "", 3])
def test_what_is_no_address(data: object) -> None:
    assert not is_address(data)


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:word@bucket/x",
        "https://someone@host/x.zip",
        "https://host/x.zip?X-Amz-Signature=word",
        "https://host/x.zip?version=2&sig=word",
        "https://host/x.zip?access_token=word",
    ],
)
def test_an_address_that_lets_its_bearer_in_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="which a run's files would keep") as refusal:
        expect_no_secret(address)
    assert "word" not in str(refusal.value).replace("password", "")
    assert "someone" not in str(refusal.value)


def test_a_query_without_secrets_is_kept() -> None:
    expect_no_secret("https://host/x.zip?version=2&download=1")
