"""Which Kafka a data folder gets, without starting any."""

from pathlib import Path

import pytest

from nsw.errors import ConfigError
from nsw.localkafka import LocalKafka


@pytest.mark.parametrize(("nodes", "other", "folder"), [(1, 3, "kafka"), (3, 1, "kafka-3")])
def test_a_data_folder_stays_with_as_many_nodes_as_it_began_with(
    tmp_path: Path, nodes: int, other: int, folder: str
) -> None:
    """Another number would silently begin with no records."""
    (tmp_path / folder).mkdir()
    LocalKafka(tmp_path, nodes, 0)
    with pytest.raises(ConfigError, match=f"of {nodes} node"):
        LocalKafka(tmp_path, other, 0)


def test_two_nodes_are_refused(tmp_path: Path) -> None:
    """Two outlive no death: most of them must be there."""
    with pytest.raises(ConfigError, match="not on 2"):
        LocalKafka(tmp_path, 2, 0)
