"""What the channels of a layer do over many images (section 6: M of Eq. 4's Z)."""

from preimage.statistics.channels import ChannelStatistics
from preimage.statistics.measuring import load_known, measure

__all__ = ["ChannelStatistics", "load_known", "measure"]
