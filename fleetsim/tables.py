"""Schemas of the model's own tables: inputs that ship or are brought, and the tables of a result folder."""

import dataframely as dy

from networks.tables import BASES

POWERTRAINS = ("petrol", "diesel", "gas", "hybrid", "PHEV", "BEV", "BEV-swap", "FCEV")
CARRIERS = ("petrol", "diesel", "gas", "electricity", "hydrogen")
FLEET_GROUPS = ("bus", "taxi", "goods", "sanitation", "airside", "car", "ride_hail", "truck", "coach")
MODES = ("walk", "bike", "metro", "bus", "suburban_rail", "car", "taxi")
MEASURES = ("stock_share", "additions_share", "count", "trip_share", "ratio", "coverage", "power")
VERDICT_REASONS = ("on_course", "assumed", "part", "not_modelled", "beyond", "no_lever", "slow", "fixed")
MODALITIES = ("required", "basically", "strive")


class Powertrain(dy.Schema):
    """One row a powertrain. Counting as a new-energy vehicle and getting its plate are separate."""

    powertrain = dy.String(primary_key=True)
    name_zh = dy.String()
    carrier = dy.Enum(CARRIERS, description="what it mainly takes in")
    counts_as_nev = dy.Bool(description="counts as a new-energy vehicle in the statistics")
    eligible_nev_plate = dy.Bool(description="gets a new-energy plate in Beijing")
    clean_energy = dy.Bool(description="counts as new-energy or clean-energy (gas and hybrid included)")


class Fleet(dy.Schema):
    """One row a fleet."""

    fleet = dy.String(primary_key=True)
    name_zh = dy.String()
    name_en = dy.String()
    group = dy.Enum(FLEET_GROUPS)
    whole_vehicles = dy.Bool(description="a public fleet, kept in whole vehicles")
    operating = dy.Bool(description="operating transport (in the statutory account and the intensity)")
    simulated = dy.Bool(description="its days are simulated event by event")
    life_years = dy.Float64(min_exclusive=0.0, description="Weibull scale L [years]")
    life_shape = dy.Float64(min_exclusive=0.0, description="Weibull shape k")
    statutory_age = dy.Int64(nullable=True, min=1, description="age of forced retirement [years]")
    annual_km = dy.Float64(min=0.0, description="distance a vehicle and year where no day is simulated [km]")
    nev_counted = dy.Bool(description="in the NEV count of the city (registered vehicles)")
    basis = dy.Enum(BASES)


class VehicleType(dy.Schema):
    """One row a vehicle type: what a fleet buys of a powertrain."""

    vehicle_type = dy.String(primary_key=True)
    fleet_group = dy.Enum(FLEET_GROUPS)
    fleet = dy.String(nullable=True, description="empty: every fleet of the group without a row of its own")
    powertrain = dy.Enum(POWERTRAINS)
    store = dy.Float64(min_exclusive=0.0, description="battery [kWh], tank [kg hydrogen, l, or m3 of gas]")
    use_per_km = dy.Float64(min=0.0, description="use at mild weather, mean speed and usual load [store unit/km]")
    payload_kg = dy.Float64(nullable=True, min_exclusive=0.0, description="most it may carry [kg]; empty: no limit")
    use_per_tonne_km = dy.Float64(nullable=True, min=0.0, description="use of a tonne [store unit/(t km)]; empty: 0")
    electric_km_share = dy.Float64(min=0.0, max=1.0, description="share of distance on electricity (PHEV)")
    electric_kwh_per_km = dy.Float64(min=0.0, description="electric use of a PHEV in electric drive [kWh/km]")
    heating_kw = dy.Float64(min=0.0, description="electric power to hold the cabin warm per K below comfort [kW/K]")
    cooling_kw = dy.Float64(min=0.0, description="power to hold the cabin cool per K above comfort [kW/K]")
    work_kw = dy.Float64(min=0.0, description="power of pump, brush or lift while working at a stop [kW]")
    max_charge_kw = dy.Float64(min=0.0, description="highest charging power [kW]; 0: does not charge")
    knee = dy.Float64(min_exclusive=0.0, max=1.0, description="state of charge where power begins to fall")
    end_power_share = dy.Float64(min=0.0, max=1.0, description="power at full charge over highest power")
    price_cny = dy.Float64(min=0.0, description="purchase price in the base year [CNY]")
    price_change_per_year = dy.Float64(min=-0.5, max=0.5, description="yearly relative change of the price")
    maintenance_cny_per_km = dy.Float64(min=0.0, description="maintenance [CNY/km]")
    insurance_cny_per_year = dy.Float64(min=0.0, description="insurance and tax [CNY/year]")
    basis = dy.Enum(BASES)


class Stock(dy.Schema):
    """One row a cohort on 31 December of `year`: the state of the turnover."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    vintage = dy.Int64(primary_key=True, description="year of first registration")
    district = dy.String(primary_key=True)
    operator = dy.String(primary_key=True, description="operator, 'all' where not told apart")
    exempt_reason = dy.String(primary_key=True, description="reason of exemption, 'none' for vehicles under the rule")
    vehicles = dy.Float64(min=0.0)


class StockShare(dy.Schema):
    """One row a group of the base-year stock as it ships (without vintages)."""

    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    district = dy.String(primary_key=True)
    operator = dy.String(primary_key=True)
    exempt_reason = dy.String(primary_key=True)
    vehicles = dy.Float64(min=0.0)
    basis = dy.Enum(BASES)


class Vintage(dy.Schema):
    """One row a fleet, kind and year of first registration of the base-year stock; shares sum to 1."""

    fleet = dy.String(primary_key=True)
    kind = dy.Enum(("fuel", "nev"), primary_key=True)
    vintage = dy.Int64(primary_key=True, description="year of first registration")
    share = dy.Float64(min=0.0, max=1.0)
    basis = dy.Enum(BASES)


class Purchase(dy.Schema):
    """One row a fleet and powertrain it can buy: the pivot of the choice model; shares of a fleet sum to 1."""

    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    share = dy.Float64(min=0.0, max=1.0, description="share of the vehicles bought in the base year")
    basis = dy.Enum(BASES)


class EnergyPrice(dy.Schema):
    """One row a carrier and year: what a fleet pays for energy, years between are interpolated."""

    carrier = dy.Enum(CARRIERS, primary_key=True)
    year = dy.Int64(primary_key=True)
    price_cny_per_unit = dy.Float64(min=0.0, description="price with taxes and service fee [CNY/unit]")
    unit = dy.String(description="l, m3, kWh or kg")
    basis = dy.Enum(BASES)


class StockTotal(dy.Schema):
    """One row of the result table `stock`."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    district = dy.String(primary_key=True)
    vehicles = dy.Float64(min=0.0, description="vehicles on 31 December")
    nev = dy.Bool(description="counts as a new-energy vehicle")


class Flow(dy.Schema):
    """One row of the result tables `additions` and `retirements`."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    district = dy.String(primary_key=True)
    vehicles = dy.Float64(min=0.0)


class Quota(dy.Schema):
    """One row a year and kind of plate."""

    year = dy.Int64(primary_key=True)
    plate = dy.Enum(("ordinary", "nev"), primary_key=True)
    plates = dy.Int64(min=0, description="plates issued to new owners [1/year]")
    basis = dy.Enum(BASES)


class Observation(dy.Schema):
    """One row what somebody published. Bounds stay bounds; targets are not observations."""

    indicator = dy.String(primary_key=True)
    date = dy.String(primary_key=True, regex=r"^\d{4}(-\d{2})?$", description="year, or year-month")
    bound = dy.Enum(("value", "lower", "upper"), primary_key=True)
    value = dy.Float64()
    unit = dy.String()
    source = dy.String(description="publisher and title")
    url = dy.String(nullable=True)
    confidence = dy.Enum(("high", "medium", "low", "derived", "assumption"))


class ObservationAdded(dy.Schema):
    """One row what was published since; a figure told again is a revision, and the latest published holds."""

    indicator = dy.String(primary_key=True)
    date = dy.String(primary_key=True, regex=r"^\d{4}(-\d{2})?$", description="year, or year-month")
    bound = dy.Enum(("value", "lower", "upper"), primary_key=True)
    published = dy.String(primary_key=True, regex=r"^\d{4}-\d{2}-\d{2}$", description="day of publication")
    value = dy.Float64()
    unit = dy.String()
    source = dy.String(description="publisher and title")
    url = dy.String(nullable=True)
    confidence = dy.Enum(("high", "medium", "low", "derived", "assumption"))


class Temperature(dy.Schema):
    """One row a month: mean daily high and low."""

    month = dy.Int64(primary_key=True, min=1, max=12)
    mean_high_c = dy.Float64(description="mean daily high [C]")
    mean_low_c = dy.Float64(description="mean daily low [C]")


class Day(dy.Schema):
    """One row a representative day; the weights of all rows make up the year."""

    day = dy.String(primary_key=True)
    name_zh = dy.String()
    month = dy.Int64(min=1, max=12, description="month whose temperatures it has")
    weekend = dy.Bool()
    weight_days = dy.Float64(min_exclusive=0.0, description="days of the year it stands for [days]")


class EmissionFactor(dy.Schema):
    """One row a carrier and year: CO2 of burning (statutory) and of the energy system."""

    carrier = dy.String(primary_key=True, description="carrier, or carrier:pathway for hydrogen")
    year = dy.Int64(primary_key=True, description="first year it holds for")
    account = dy.Enum(("statutory", "energy_system"), primary_key=True)
    kgco2_per_unit = dy.Float64(min=0.0)
    unit = dy.String(description="kWh, kg, l or m3")
    basis = dy.Enum(BASES)


class Clause(dy.Schema):
    """One row a rule of the plan and a year in which it is measured."""

    clause = dy.String(primary_key=True, description="identifier of the rule, e.g. bus, taxi, nev_stock")
    target_year = dy.Int64(primary_key=True)
    article = dy.Int64(description="number of the clause in the plan")
    title_zh = dy.String()
    title_en = dy.String()
    text_zh = dy.String(description="wording in the plan, or of the other document named in `document`")
    document = dy.String(description="document that sets it")
    modality = dy.Enum(MODALITIES)
    measure = dy.Enum(MEASURES)
    from_year = dy.Int64(description="first year of its period")
    target = dy.Float64(description="share 0 to 1, or a count in `unit`")
    unit = dy.String()
    fleets = dy.String(nullable=True, description="fleets under the rule, separated by ';' (empty: not a fleet rule)")
    exempt_reasons = dy.String(nullable=True, description="reasons of exemption, separated by ';'")
    departments_zh = dy.String(nullable=True, description="departments as listed; which leads is not stated")
    binding = dy.Bool(description="the stock model enforces it (else it is only measured)")
    qualifies = dy.Enum(("nev", "clean_energy", "fuel_cell", "none"), description="which vehicles comply with it")


class Compliance(dy.Schema):
    """One row a year, clause and district ('all' for the city)."""

    year = dy.Int64(primary_key=True)
    clause = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    eligible = dy.Float64(min=0.0, description="vehicles under the rule, exempt ones left out")
    compliant = dy.Float64(min=0.0, description="of these, new-energy vehicles")
    share = dy.Float64(nullable=True, min=0.0, max=1.0, description="compliant / eligible; empty where none")
    gross_share = dy.Float64(nullable=True, min=0.0, max=1.0, description="new-energy share, exempt ones included")


class OperatorCompliance(dy.Schema):
    """One row a year, clause, district and operator; exempt vehicles stand beside, counted in no share."""

    year = dy.Int64(primary_key=True)
    clause = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    operator = dy.String(primary_key=True)
    functional_zone = dy.String(nullable=True, description="zone whose path the district follows (clause 4)")
    eligible = dy.Float64(min=0.0, description="vehicles under the rule, exempt ones left out")
    compliant = dy.Float64(min=0.0, description="of these, vehicles that comply")
    share = dy.Float64(nullable=True, min=0.0, max=1.0, description="compliant / eligible; empty where none")
    exempt = dy.Float64(min=0.0, description="vehicles of the same fleets that the clause exempts")
    exempt_compliant = dy.Float64(min=0.0, description="of these, vehicles that comply all the same")


class Service(dy.Schema):
    """One row a fleet and representative day: what was asked and what was done."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    fleet = dy.String(primary_key=True)
    duties = dy.Int64(min=0)
    legs = dy.Int64(min=0)
    late_legs = dy.Int64(min=0, description="promised departures left over 5 min late")
    missed_legs = dy.Int64(min=0, description="departures after their latest time, or never made")
    mean_delay_min = dy.Float64(min=0.0, description="mean delay of promised departures [min]")
    energy_kwh = dy.Float64(min=0.0, description="final energy used by all vehicles, all carriers, in kWh")
    distance_km = dy.Float64(min=0.0)


class ZoneDemand(dy.Schema):
    """One row a simulated day, zone, kind of station and fleet group: energy sought away from the depot."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    zone = dy.Int64(primary_key=True, min=0, description="row in the zones table")
    kind = dy.Enum(("public", "swap", "hydrogen"), primary_key=True)
    fleet_group = dy.String(primary_key=True)
    seeks = dy.Float64(min=0.0, description="stops at which a driver sought energy, or ran out of it")
    served = dy.Float64(min=0.0, description="of these, took energy")
    unserved = dy.Float64(min=0.0, description="of these, went on, or stayed, without")
    stranded = dy.Float64(min=0.0, description="of the unserved, could not make the next leg")
    waiting = dy.Float64(min=0.0, description="of the served, waited longer than the standard")
    mean_wait_min = dy.Float64(nullable=True, min=0.0, description="mean wait of the served [min]")
    detour_km = dy.Float64(min=0.0, description="distance to stations and back, all together [km]")


class ZoneHour(dy.Schema):
    """One row a year, day, zone, kind of station, fleet group and hour: what was sought there then, and what came."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    zone = dy.Int64(primary_key=True, min=0, description="row in the zones table")
    kind = dy.Enum(("public", "swap", "hydrogen"), primary_key=True)
    fleet_group = dy.String(primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, description="hour in which the search began, past 23 the night after [h]")
    seeks = dy.Float64(min=0.0, description="stops at which a driver sought energy, or ran out of it")
    unserved = dy.Float64(min=0.0, description="of these, went on, or stayed, without")
    turned_away = dy.Float64(min=0.0, description="visits to stations that left without energy")
    wait_min = dy.Float64(min=0.0, description="waits of those served, all together [min]")
    detour_km = dy.Float64(min=0.0, description="distance to stations and back, all together [km]")


class ModeShare(dy.Schema):
    """One row a year and mode, trips in the central six districts; mode 'green' is the sum of the green ones."""

    year = dy.Int64(primary_key=True)
    mode = dy.String(primary_key=True)
    share = dy.Float64(min=0.0, max=1.0)
    low = dy.Float64(nullable=True, min=0.0, max=1.0, description="low end of its range; empty: none given")
    high = dy.Float64(nullable=True, min=0.0, max=1.0, description="high end of its range")


class Freight(dy.Schema):
    """One row a year and mode of operating transport: turnover, converted turnover."""

    year = dy.Int64(primary_key=True)
    mode = dy.String(primary_key=True)
    tonnage_mt = dy.Float64(nullable=True, min=0.0, description="goods to and from the city [Mt]")
    tonne_km_g = dy.Float64(nullable=True, min=0.0, description="tonne-km [10^9]")
    passenger_km_g = dy.Float64(nullable=True, min=0.0, description="passenger-km [10^9]")
    converted_tkm_g = dy.Float64(min=0.0, description="converted turnover [10^9 tkm]")
    share = dy.Float64(nullable=True, min=0.0, max=1.0, description="share of the tonnage")


class EnergyUse(dy.Schema):
    """One row a year, fleet and carrier."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    carrier = dy.Enum(CARRIERS, primary_key=True)
    quantity = dy.Float64(min=0.0)
    unit = dy.String(description="l, m3, kWh (from the grid) or kg")


class Carbon(dy.Schema):
    """One row a year, fleet and account. The two accounts are never added."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    account = dy.Enum(("statutory", "energy_system"), primary_key=True)
    co2_t = dy.Float64(min=0.0, description="CO2 [t]")


class Indicator(dy.Schema):
    """One row an indicator and year, observed or modelled."""

    indicator = dy.String(primary_key=True)
    clause = dy.String()
    year = dy.Int64(primary_key=True)
    value = dy.Float64(nullable=True, description="empty: not known")
    low = dy.Float64(nullable=True, description="low end of its range, or a published lower bound")
    high = dy.Float64(nullable=True)
    unit = dy.String()
    basis = dy.Enum(("observed", "modelled"), primary_key=True)
    target = dy.Float64(nullable=True)
    target_year = dy.Int64(nullable=True)
    gap = dy.Float64(nullable=True, description="value minus target, in the target year")
    status = dy.Enum(("met", "missed", "open", "unknown", "not_due"), description="never 'met' by assumption")
    source = dy.String()


class Verdict(dy.Schema):
    """One row an indicator and target year: met, missed, or what plausible levers can do about it."""

    indicator = dy.String(primary_key=True)
    target_year = dy.Int64(primary_key=True)
    clause = dy.String()
    target = dy.Float64()
    status = dy.Enum(("met", "missed", "open", "unknown"), description="as in `indicators`: observation first")
    verdict = dy.Enum(("met", "missed", "reachable", "not_reachable", "open", "unknown"), description="and by levers")
    reason = dy.Enum(VERDICT_REASONS, nullable=True, description="why levers tell nothing, see docs/assessment.md")
    gap = dy.Float64(nullable=True, description="value less target, of the observation, else of the run")
    from_year = dy.Int64(nullable=True, description="year from which the levers are moved")
    best = dy.Float64(nullable=True, description="value in the target year with `levers`")
    levers = dy.String(nullable=True, description="key=value, those that meet it, else those that come nearest")
    met_year = dy.Int64(nullable=True, description="first year of the run whose value reaches the target")
    earliest = dy.Int64(nullable=True, description="the same with levers at their best from the first open year on")


class ModeBase(dy.Schema):
    """One row a segment and mode: its share of all trips in the base year (all rows sum to 1)."""

    district = dy.String(primary_key=True, description="district of the central six")
    distance_band = dy.Enum(("short", "medium", "long"), primary_key=True, description="up to 3, 3 to 10, over 10 km")
    car_available = dy.Bool(primary_key=True, description="the traveller has a car at hand")
    mode = dy.Enum(MODES, primary_key=True)
    trip_share = dy.Float64(min=0.0, max=1.0, description="share of all trips")
    basis = dy.Enum(BASES)


class EnergyContent(dy.Schema):
    """One row a carrier: the heating value of its unit."""

    carrier = dy.Enum(CARRIERS, primary_key=True)
    unit = dy.String(description="l, m3, kWh or kg")
    kwh_per_unit = dy.Float64(min_exclusive=0.0, description="lower heating value [kWh/unit]")
    basis = dy.Enum(BASES)


class FreightBase(dy.Schema):
    """One row a mode and year of goods to and from the city."""

    mode = dy.Enum(("rail", "road"), primary_key=True)
    year = dy.Int64(primary_key=True)
    tonnage_mt = dy.Float64(min=0.0, description="goods to and from the city [Mt]")
    haul_km = dy.Float64(min_exclusive=0.0, description="mean distance of a tonne [km]")
    basis = dy.Enum(BASES)


class Occupancy(dy.Schema):
    """One row a passenger fleet group."""

    fleet_group = dy.Enum(FLEET_GROUPS, primary_key=True)
    passengers_per_vehicle = dy.Float64(min=0.0, description="mean passengers aboard over the whole distance")
    basis = dy.Enum(BASES)


class DayUse(dy.Schema):
    """One row a simulated day, fleet, powertrain and carrier: what its vehicles used and drove."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    carrier = dy.Enum(CARRIERS, primary_key=True)
    quantity = dy.Float64(min=0.0, description="used by the vehicles; electricity is what the battery gave")
    unit = dy.String(description="l, m3, kWh or kg")
    distance_km = dy.Float64(min=0.0, description="driven on this carrier [km]; a PHEV's distance is shared out")


class YearUse(dy.Schema):
    """One row a year, fleet, powertrain and carrier: use and distance of the year."""

    year = dy.Int64(primary_key=True)
    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    carrier = dy.Enum(CARRIERS, primary_key=True)
    quantity = dy.Float64(min=0.0, description="used by the vehicles, charging loss left out")
    unit = dy.String(description="l, m3, kWh or kg")
    distance_km = dy.Float64(min=0.0, description="driven on this carrier [km]")


class TopDown(dy.Schema):
    """One row a year: the statutory account of operating vehicles against the published total. Nothing is scaled."""

    year = dy.Int64(primary_key=True)
    bottom_up_t = dy.Float64(min=0.0, description="CO2 of the modelled operating vehicles [t]")
    top_down_t = dy.Float64(min=0.0, description="published CO2 of operating vehicles [t]")
    ratio = dy.Float64(description="bottom-up over top-down")


class IntensityFactor(dy.Schema):
    """One row a year and mode: how the intensity's change since the base year splits into its causes."""

    year = dy.Int64(primary_key=True)
    mode = dy.String(primary_key=True)
    structure = dy.Float64(description="change through the mix of modes [kg CO2/tkm]")
    efficiency = dy.Float64(description="change through energy per converted turnover [kg CO2/tkm]")
    fuel = dy.Float64(description="change through CO2 per energy [kg CO2/tkm]")


class IndicatorSeries(dy.Schema):
    """One row an indicator: the clause it belongs to and the published series that observes it."""

    indicator = dy.String(primary_key=True)
    clause = dy.String(description="clause that sets its target")
    observation = dy.String(nullable=True, description="series in observations.csv; empty: nobody publishes it")
    scale = dy.Float64(min_exclusive=0.0, description="turns the observed unit into the clause's")
    direction = dy.Enum(("at_least", "at_most"), description="which side of the target meets it")
    model = dy.Enum(
        ("simulated", "assumed", "part", "none"),
        description="only what is simulated decides a status; assumed: by scenario; part: a share of what counts",
    )


class Modelled(dy.Schema):
    """One row an indicator and year: what the model says, with its range where it has one."""

    indicator = dy.String(primary_key=True)
    year = dy.Int64(primary_key=True)
    value = dy.Float64(nullable=True)
    low = dy.Float64(nullable=True)
    high = dy.Float64(nullable=True)
    source = dy.String(description="result table it is taken from")


class MonthlyFit(dy.Schema):
    """One row an observation: the model at that month, interpolated between year ends, beside it."""

    indicator = dy.String(primary_key=True)
    date = dy.String(primary_key=True)
    bound = dy.Enum(("value", "lower", "upper"), primary_key=True)
    observed = dy.Float64()
    modelled = dy.Float64(description="linear between the year ends")
    error_share = dy.Float64(description="modelled over observed, minus 1")
