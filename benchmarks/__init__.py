"""Speed as ratios: each figure is measured beside a floor or a peer, interleaved in the same run."""
