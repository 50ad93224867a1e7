"""What columns of a station file are called, in Chinese and English, and the units they come in."""

from collections.abc import Mapping

from networks.columns import Field, words

KW = {"kw": 1.0, "千瓦": 1.0, "w": 0.001, "瓦": 0.001, "mw": 1000.0, "兆瓦": 1000.0, "kva": 1.0}
COUNT = dict.fromkeys(("个", "台", "根", "把", "-"), 1.0)
DEGREES = dict.fromkeys(("deg", "°", "度", "m", "米"), 1.0)
STATION_FIELDS: Mapping[str, Field] = {
    "station_id": Field(words("stationid id code 编号 站点编号 电站编号 站编号 场站编号 序号")),
    "name": Field(words("name stationname station title 站名 名称 站点名称 电站名称 充电站名称 场站名称 充电站")),
    "kind": Field(words("kind type stationtype 类型 站点类型 电站类型 补能类型")),
    "lon": Field(words("lon lng long longitude x 经度 东经 经度坐标"), DEGREES),
    "lat": Field(words("lat latitude y 纬度 北纬 纬度坐标"), DEGREES),
    "district": Field(words("district 区 区县 所在区 行政区 所属区 所属区县 所在区县 城区")),
    "opened_year": Field(words("openedyear opened year 投运年份 建成年份 投运时间 建成时间 投运日期 启用年份")),
    "plugs": Field(
        words(
            "plugs piles chargers connectors capacity numberofplugs 充电桩数量 充电桩数 桩数 充电桩 桩数量 充电枪数 "
            "枪数 充电枪数量 总桩数 工位数 换电工位 加氢机数 加氢机数量"
        ),
        COUNT,
    ),
    "fast_plugs": Field(
        words("fast fastplugs dc dcplugs 快充 快充桩 快充数量 快充桩数 快充桩数量 直流桩 直流桩数 直流桩数量"), COUNT
    ),
    "slow_plugs": Field(
        words("slow slowplugs ac acplugs 慢充 慢充桩 慢充数量 慢充桩数 慢充桩数量 交流桩 交流桩数 交流桩数量"), COUNT
    ),
    "power_kw": Field(words("power powerkw kw maxpower ratedpower 功率 单桩功率 额定功率 最大功率 充电功率"), KW),
    "site_limit_kw": Field(words("sitelimit sitelimitkw gridconnection 总功率 总容量 变压器容量 报装容量"), KW),
    "packs": Field(words("packs batteries 电池数 电池数量 备用电池"), COUNT),
    "storage_kg": Field(words("storagekg storage 储氢量"), {"kg": 1.0, "公斤": 1.0}),
    "supply_kg_h": Field(words("supplykgh supply 供氢能力"), {"kg/h": 1.0}),
}
KIND_WORDS = {
    "swap": words("swap 换电"),
    "hydrogen": words("hydrogen h2 加氢"),
    "depot": words("depot"),
    "public": words("public charging 公共 公用 充电 社会"),
}
"""Words that tell a kind of station; the first kind with a word in the text is meant."""
NUMBERS = ("plugs", "fast_plugs", "slow_plugs", "power_kw", "site_limit_kw", "packs", "storage_kg", "supply_kg_h")
BOUNDS = {"plugs": (1.0, 5000.0), "fast_plugs": (0.0, 5000.0), "slow_plugs": (0.0, 5000.0), "power_kw": (0.0, 2000.0)}
