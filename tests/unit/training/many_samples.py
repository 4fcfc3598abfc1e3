"""Many small networks, and what they learn."""

from kanwidget import KAN, Dataset
from tests.support.networks import product_data


def dataset(rows=60, seed=0, **parts):
    x, y = product_data(rows, seed=seed)
    test = product_data(30, seed=99)
    return Dataset(x, y, test[0], test[1], **parts)


def networks(count=5, **options):
    return [KAN([2, 3, 1], seed=seed, **options) for seed in range(count)]
