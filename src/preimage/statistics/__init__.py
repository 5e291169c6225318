"""The responses of a layer's channels to many images: section 6 takes M of Eq. 4 from them."""

from preimage.statistics.channels import ChannelStatistics
from preimage.statistics.measuring import load_known, measure

__all__ = ["ChannelStatistics", "load_known", "measure"]
