"""Says how Django writes numbers, days and times beside German texts: as beside English ones."""

from django.conf import global_settings
from django.conf.locale.en import formats as english

DECIMAL_SEPARATOR, THOUSAND_SEPARATOR, NUMBER_GROUPING = ".", ",", 0
DATE_INPUT_FORMATS = english.DATE_INPUT_FORMATS
TIME_INPUT_FORMATS = english.TIME_INPUT_FORMATS
DATETIME_INPUT_FORMATS = english.DATETIME_INPUT_FORMATS
FIRST_DAY_OF_WEEK = global_settings.FIRST_DAY_OF_WEEK
