"""The scenario's section on `fleetsim site`: reach in minutes, traffic, routes, hydrogen supply, sizes of problems."""

from typing import Annotated

from pydantic import Field

from fleetsim.scenario.sections import Section

Positive = Annotated[float, Field(gt=0.0)]


class SitesSection(Section):
    """What siting reckons with beyond section `siting`."""

    within_min: tuple[Annotated[float, Field(gt=0.0, le=240.0)], ...] = (5.0, 10.0, 15.0)
    """Driving times for which coverage is told [min]."""
    within_km: tuple[Annotated[float, Field(gt=0.0, le=200.0)], ...] = (0.9, 3.0, 5.0, 10.0)
    """Ways for which coverage is told, beside the standard of each zone [km]."""
    hour: Annotated[int, Field(ge=0, le=23)] = 8
    """Hour of a weekday whose speeds driving times are told for [h]."""
    trip_km: Annotated[float, Field(gt=0.0, le=200.0)] = 10.0
    """Way over which the trips between two places fall to 1/e, in the gravity model of traffic [km]; 5 to 20."""
    long_trip_km: Annotated[float, Field(gt=0.0, le=2000.0)] = 60.0
    """The same for long trips, those of the flow models [km]; 30 to 150."""
    long_trips_per_1000: Annotated[float, Field(ge=0.0, le=1000.0)] = 5.0
    """Long trips that 1,000 residents begin a day [1/day]; 2 to 15."""
    flow_share: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = Field(
        default_factory=lambda: {"public": 0.15, "swap": 0.01, "hydrogen": 0.01}
    )
    """Share of the long trips whose vehicles use the kind of station; .05 to .4, 0 to .05 and 0 to .05."""
    gates_share: Annotated[float, Field(ge=0.0, le=10.0)] = 0.5
    """Weight of all gates (roads out of the city) together in the model of long trips, over that of its residents;
    .2 to 2."""
    gate_border_km: Annotated[float, Field(gt=0.0, le=100.0)] = 6.0
    """Farthest that the end of a main road lies from the city's edge to count as a gate [km]; 2 to 10."""
    flow_access_km: Annotated[float, Field(gt=0.0, le=50.0)] = 1.0
    """Farthest that a station lies from a road to serve who drives by [km]; .3 to 3."""
    most_ends: Annotated[int, Field(ge=2, le=2000)] = 60
    """Most places between which long trips are told apart; 20 to 200."""
    most_points: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Most places that the service model tells apart; zones beyond are joined to their neighbours; 500 to 7,000."""
    most_places: Annotated[int, Field(ge=1, le=100_000)] = 500
    """The same for the p-median with capacities, and for the ends of everyday trips; 100 to 1,000."""
    most_sites: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Most candidate sites that models with capacities look at, in each part those that reach most; 100 to 1,000."""
    kg_per_visit: Positive = 15.0
    """Hydrogen that a visit takes where no simulation tells [kg]; 4 (car) to 40 (heavy truck)."""
    capital_share_per_year: Annotated[float, Field(ge=0.0, le=1.0)] = 0.12
    """What a year of a station costs over its price: interest and wear; .08 to .16."""
    delivery_cny_per_kg_km: Annotated[float, Field(ge=0.0, le=10.0)] = 0.05
    """Delivery of hydrogen by tube trailer [CNY/kg/km]; .02 to .1."""
    supply_km: Positive = 150.0
    """Farthest that hydrogen is delivered [km]; 100 to 300."""
    wait_peak_hours: Annotated[int, Field(ge=1, le=24)] = 4
    """Busiest hours of the day in which simulated waits are held against the wait standard; 1 to 6."""
    expressway_site_km: Annotated[float, Field(ge=0.0, le=200.0)] = 25.0
    """Along expressways sites are offered by rule, besides known service areas, so that these or those are at most so
    far apart [km]; 15 to 50; 0: none."""
    least_visits: Annotated[int, Field(ge=2, le=100_000)] = 50
    """Fewest simulated visits to stations of a kind from which the time of service and its variation are taken; with
    fewer the scenario's assumptions hold; 20 to 500."""
    like_power_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Stations count as alike, so that the time of service of one is taken for the other, where the power of a plug is
    at least this share of the other's; .3 to .8."""
    same_wait_min: Annotated[float, Field(ge=0.0, le=60.0)] = 1.0
    """Simulated waits agree with queue theory within so many minutes, or within `same_wait_share` of it [min]; .5 to
    2."""
    same_wait_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
    """See `same_wait_min`; .1 to .5."""
    bunched_dispersion: Annotated[float, Field(ge=1.0, le=10.0)] = 1.5
    """Variance over mean of the arrivals in parts of an hour from which they are called bunched; 1 is Poisson; 1.2 to
    3."""
    served_standards: Annotated[float, Field(ge=1.0, le=5.0)] = 2.0
    """A new station is visited from as far as this many times the standard; 1 to 3. Gradual covering falls to nothing
    there."""
    no_way_km: Annotated[float, Field(gt=0.0, le=1000.0)] = 100.0
    """Way of a zone that no station can be reached from, where ways are added up or compared [km]; 50 to 200."""
