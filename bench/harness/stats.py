"""Medians and spreads."""
import statistics


def summary(samples):
    """{median, q1, q3, n} of the samples."""
    if len(samples) == 1:
        q1 = median = q3 = samples[0]
    else:
        q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    return {"median": median, "q1": q1, "q3": q3, "n": len(samples)}


def spread(of):
    """Half the distance of the quartiles, as a share of the median."""
    return (of["q3"] - of["q1"]) / 2 / of["median"] if of["median"] else 0.0


def speed(of, other, higher_is_better):
    """How many times as fast as `other`: above 1 is faster, whatever the unit."""
    if not of["median"] or not other["median"]:
        return None
    return of["median"] / other["median"] if higher_is_better else other["median"] / of["median"]
