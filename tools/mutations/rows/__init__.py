"""The mutations, one row a defect."""

from tools.mutations.rows.browser import BROWSER
from tools.mutations.rows.by_hand import BY_HAND
from tools.mutations.rows.data import DATA
from tools.mutations.rows.discovery import DISCOVERY
from tools.mutations.rows.explorer import EXPLORER
from tools.mutations.rows.formulas import FORMULAS
from tools.mutations.rows.training import TRAINING
from tools.mutations.rows.users import USERS

MUTATIONS = (*DATA, *TRAINING, *FORMULAS, *DISCOVERY, *USERS, *EXPLORER, *BROWSER, *BY_HAND)
