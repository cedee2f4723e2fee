"""What an organisation may choose among. Pure."""

from typing import Literal

LeapDayRule = Literal["feb_28", "mar_1"]
WeekendRule = Literal["same_day", "before", "after", "nearest"]
