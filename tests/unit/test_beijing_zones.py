"""The shipped geography of Beijing against figures and places it was not made from."""

from pathlib import Path

import dataframely as dy
import h3
import numpy as np
import polars as pl
import pytest
import shapely

from networks.crs import to_metres
from networks.io import read_table
from networks.tables import District, JobCentre, PlainPoint, Seat, Zone
from networks.zones import district_areas, district_outlines, make_zones, nearest_district

FOLDER = Path(__file__).parents[2] / "data" / "beijing"
CENSUS_2020 = 21_893_095
CENTRAL_SIX_2020 = 10_988_587
AREA_KM2 = 16_411.0

# Stations, sights and villages whose district is known (general knowledge, WGS-84); none of them is a seat.
PLACES = """
# Dongcheng
Yonghegong, 116.4110, 39.9476
Dengshikou, 116.4115, 39.9157
Tiantandongmen, 116.4146, 39.8809
Guangqumennei, 116.4328, 39.8921
Hepinglibeijie, 116.4119, 39.9571
Zhangzizhonglu, 116.4111, 39.9325
Gulou Drum Tower, 116.3898, 39.9401
National Museum, 116.3954, 39.9036
Beijing Railway Station, 116.4208, 39.9015
Guozijian, 116.4068, 39.9452
Ditan Park, 116.4103, 39.9516
# Xicheng
Xizhimen inner, 116.3538, 39.9391
Beijing Zoo, 116.3324, 39.9377
Caishikou, 116.3683, 39.8876
Changchunjie, 116.3573, 39.8980
Ping'anli, 116.3660, 39.9316
Fuchengmen, 116.3501, 39.9222
Muxidi residential, 116.3324, 39.9077
Deshengmen, 116.3735, 39.9471
Niujie Mosque, 116.3566, 39.8828
Great Hall of the People, 116.3873, 39.9036
Beihai Park, 116.3828, 39.9236
Daguanyuan, 116.3494, 39.8697
Tianning Temple, 116.3383, 39.8932
Wanzi, 116.3214, 39.8885
# Chaoyang
Shuangjing, 116.4555, 39.8917
Jinsong station, 116.4552, 39.8832
Panjiayuan station, 116.4547, 39.8744
Shilihe, 116.4513, 39.8656
Sihui, 116.4895, 39.9073
Gaobeidian station, 116.5243, 39.9081
Chuanmedaxue, 116.5485, 39.9083
Shuangqiao, 116.5709, 39.9092
Guanzhuang station, 116.5932, 39.9088
Huangqu, 116.5610, 39.9228
Caofang, 116.6100, 39.9236
Sanyuanqiao, 116.4509, 39.9597
Liufang, 116.4264, 39.9570
Guangximen, 116.4254, 39.9671
Huixinxijienankou, 116.4114, 39.9758
Anzhenmen, 116.3994, 39.9757
Beitucheng, 116.3880, 39.9756
Jiandemen, 116.3755, 39.9752
Olympic Park, 116.3848, 40.0026
South Gate Forest Park, 116.3863, 40.0088
Lincuiqiao, 116.3675, 40.0198
Beiyuanlubei, 116.4115, 40.0297
Lishuiqiaonan, 116.4080, 40.0414
Cuigezhuang station, 116.4894, 40.0047
Maquanying, 116.4942, 40.0324
Sunhe station, 116.5282, 40.0451
T2 terminal, 116.5872, 40.0798
Happy Valley, 116.4930, 39.8658
Xiaohongmen market, 116.4493, 39.8406
Huagong, 116.4915, 39.8508
Jiaohuachang, 116.5181, 39.8548
Langxinzhuang, 116.5502, 39.8689
Pi village, 116.6202, 39.9789
Dongfengbeiqiao, 116.4789, 39.9557
Jiangtai station, 116.4839, 39.9693
# Fengtai
Liuliqiao, 116.2967, 39.8791
Qilizhuang, 116.2888, 39.8648
Guogongzhuang, 116.2951, 39.8134
Fengtai Science Park, 116.2909, 39.8238
Xingong, 116.3591, 39.8107
Beijing South Railway, 116.3727, 39.8636
Jiaomenxi, 116.3651, 39.8445
Songjiazhuang, 116.4222, 39.8445
Liujiayao, 116.4158, 39.8562
Puhuangyu, 116.4155, 39.8642
Fenzhongsi, 116.4535, 39.8510
Chengshousi station, 116.4410, 39.8448
Dahongmen station, 116.3931, 39.8429
Zhangguozhuang, 116.1829, 39.8537
Garden Expo Park, 116.1882, 39.8767
Dawayao, 116.2169, 39.8544
Beijing West south square, 116.3154, 39.8912
World Park, 116.2795, 39.8088
Nanyuan Airport, 116.3918, 39.7816
Xinfadi market, 116.3349, 39.8167
Qianlingshan, 116.0787, 39.8336
Changxindian factory, 116.2019, 39.8247
Dahuichang, 116.1017, 39.8506
Wangzuo Nangong, 116.1458, 39.8067
# Shijingshan
Gucheng station, 116.1846, 39.9062
Bajiao Park, 116.2068, 39.9062
Babaoshan station, 116.2298, 39.9062
Pingguoyuan, 116.1716, 39.9250
Shougang Park, 116.1468, 39.9116
Badachu Park, 116.1788, 39.9617
Moshikou, 116.1658, 39.9367
Wulituo, 116.1117, 39.9546
Yangzhuang, 116.1844, 39.9227
Yamenkou, 116.1989, 39.8907
Xihuangcun, 116.1989, 39.9327
# Haidian
Yuquanlu E, 116.2510, 39.9063
Wukesong, 116.2679, 39.9066
Gongzhufen, 116.3039, 39.9062
Military Museum, 116.3154, 39.9062
Beijing West station north, 116.3154, 39.8952
Baishiqiaonan, 116.3197, 39.9318
National Library, 116.3191, 39.9422
Dazhongsi, 116.3391, 39.9650
Zhichunlu, 116.3340, 39.9750
Xitucheng, 116.3474, 39.9748
Mudanyuan, 116.3636, 39.9756
Beijing Normal University, 116.3598, 39.9606
Wudaokou, 116.3315, 39.9915
Shangdi station, 116.3139, 40.0316
Xi'erqi, 116.3000, 40.0516
Qinghe station, 116.3259, 40.0407
Liudaokou, 116.3468, 39.9994
Beishatan W, 116.3538, 39.9996
Yongtaizhuang, 116.3490, 40.0364
Xixiaokou, 116.3456, 40.0458
Yuxin, 116.3410, 40.0587
Summer Palace, 116.2670, 39.9978
Fragrant Hills, 116.1818, 39.9917
Botanical Garden, 116.2009, 40.0007
Daoxianghulu, 116.1824, 40.0679
Yongfeng, 116.2320, 40.0705
Shangzhuang Reservoir, 116.2019, 40.1097
Phoenix Ridge, 116.0986, 40.1106
Dajue Temple, 116.0997, 40.0506
Beianhe, 116.1127, 40.0676
Tiancun, 116.2440, 39.9278
Liaogongzhuang, 116.2219, 39.9338
Haidian Wulu, 116.2703, 39.9315
# Mentougou
Tanzhe Temple, 116.0248, 39.9047
Jietai Temple, 116.0797, 39.8676
Miaofengshan Temple, 116.0188, 40.0647
Cuandixia, 115.6429, 39.9959
Lingshan, 115.4836, 39.9937
Shilong, 116.0997, 39.9086
Sanjiadian, 116.1027, 39.9686
Zhuwo, 115.7287, 40.0138
Xiaolongmen, 115.4585, 39.9647
Yanhecheng, 115.6988, 40.0628
Datai mine, 115.9021, 39.9440
Jiangou, 116.0238, 40.0467
# Fangshan
Liangxiang University Town, 116.1707, 39.7214
Suzhuang, 116.1200, 39.7214
Changyang station, 116.2063, 39.7634
Libafang, 116.1843, 39.7588
Zhoukoudian site, 115.9251, 39.6910
Shihua Cave, 115.9371, 39.7990
Shidu station, 115.5950, 39.6400
Yunju Temple, 115.7668, 39.6068
Liulihe bridge, 116.0238, 39.6038
Yanshan Petro, 115.9500, 39.7489
Shangfangshan, 115.8159, 39.6679
Yancundong, 116.0987, 39.7336
Doudian, 116.0597, 39.6487
# Tongzhou
Wuzixueyuanlu, 116.6335, 39.9255
Tongzhoubeiyuan, 116.6319, 39.9025
Jiukeshu, 116.6512, 39.8896
Tuqiao, 116.6813, 39.8718
Universal Resort, 116.6741, 39.8539
Ciqu, 116.5867, 39.8020
Ciqunan, 116.5772, 39.7940
Songzhuang Xiaopu, 116.6940, 39.9548
Majuqiao bridge, 116.5472, 39.7589
Zhangjiawan, 116.7000, 39.8528
Yinggezhuang, 116.6421, 39.9889
Xiji, 116.8771, 39.8109
Yongledian, 116.7809, 39.6988
Yujiawu, 116.7050, 39.7088
# Shunyi
Guozhan, 116.5510, 40.0673
Hualikan, 116.5546, 40.0841
Houshayu, 116.5594, 40.1126
Nanfaxin, 116.6043, 40.1272
Shimen, 116.6356, 40.1277
Shunyi station, 116.6506, 40.1278
Fengbo, 116.6825, 40.1278
Olympic rowing park, 116.6840, 40.1738
Hanshiqiao wetland, 116.7939, 40.1218
Niulanshan, 116.6561, 40.2149
Zhangzhen, 116.9450, 40.1419
Longwantun, 116.8550, 40.2219
Luoma Lake, 116.5140, 40.0888
Tianzhu, 116.5642, 40.0639
Liqiao town, 116.6840, 40.0568
Mulin, 116.7839, 40.2428
Beishicao, 116.5220, 40.2448
Gaoliying, 116.4919, 40.1697
# Changping
Tiantongyuan, 116.4065, 40.0743
Tiantongyuanbei, 116.4065, 40.0825
Lishuiqiao N, 116.4052, 40.0566
Huilongguan, 116.3301, 40.0695
Longze, 116.3135, 40.0696
Huoying, 116.3541, 40.0703
Zhuxinzhuang, 116.3077, 40.1030
Life Science Park, 116.2880, 40.0936
Shahe, 116.2827, 40.1471
Gonghuacheng, 116.2879, 40.1297
Nanshao, 116.2813, 40.2070
Changping Dongguan, 116.2559, 40.2197
Changling, 116.2379, 40.2967
Juyongguan, 116.0686, 40.2876
Xiaotangshan, 116.3897, 40.1786
Future Science City, 116.4498, 40.1206
Yangfang, 116.1287, 40.1356
Baihujian, 116.0886, 40.1416
Yinshan Pagodas, 116.3278, 40.3066
Changyucheng, 115.8890, 40.2170
Aviation Museum, 116.3578, 40.1836
Duijiuyu, 116.1637, 40.3316
# Daxing
Xihongmen, 116.3274, 39.7893
Qingyuanlu, 116.3262, 39.7431
Huangcun Xidajie, 116.3329, 39.7318
Shengwuyiyao, 116.3214, 39.6863
Tiangongyuan, 116.3199, 39.6690
Jiugong station, 116.4543, 39.8052
Yizhuangqiao, 116.4824, 39.8022
Rongjingdongjie, 116.5138, 39.7913
Daxing Airport terminal, 116.4108, 39.5097
Yufa, 116.3090, 39.5088
Panggezhuang, 116.3199, 39.6317
Caiyu, 116.6372, 39.6570
Qingyundian, 116.5020, 39.6848
Langfa, 116.2500, 39.7858
Yinghai, 116.4368, 39.7556
Beizangcun, 116.2770, 39.6818
Anding, 116.4990, 39.6148
# Huairou
Mutianyu, 116.5641, 40.4379
Hongluo Temple, 116.6191, 40.3749
Yanqi Lake, 116.6690, 40.3968
Huanghuacheng, 116.3388, 40.4126
Jiankou, 116.5090, 40.4487
Labagoumen forest, 116.5089, 40.9534
Xiangshui Lake, 116.4939, 40.4597
Huairou station, 116.6231, 40.3139
Qinglongxia, 116.6690, 40.4638
Miaocheng, 116.6241, 40.2869
Qiaozi, 116.5722, 40.2949
Jiuduhe, 116.4618, 40.3606
Beifang, 116.6870, 40.3268
# Pinggu
Jinhai Lake, 117.3085, 40.1777
Yaji Mountain, 116.9987, 40.2407
Pinggu Museum, 117.1134, 40.1386
Mafang, 116.9938, 40.0568
Jingdong Grand Canyon, 117.2286, 40.2337
Jiangjunguan, 117.3334, 40.2436
Zhenluoying, 117.1384, 40.3366
Dahuashan, 117.0615, 40.2636
Machangying, 117.0137, 40.1347
Yukou, 117.0017, 40.1887
Xiagezhuang, 117.1635, 40.1166
# Miyun
Gubei Water Town, 117.2615, 40.6516
Miyun Reservoir dam, 116.8389, 40.4838
Nanshan ski, 116.8540, 40.3319
Heilongtan, 116.7868, 40.5587
Yunmeng gate, 116.7388, 40.5316
Bulaotun, 116.9738, 40.5707
Xinchengzi, 117.3234, 40.6385
Yaoqiaoyu, 117.3832, 40.6314
Fengjiayu, 116.8640, 40.6487
Dachengzi, 117.1034, 40.3935
Dongshaoqu, 116.9639, 40.2888
Baihe Canyon, 116.7638, 40.6136
Qiangzilu, 117.1985, 40.4236
Shilipu, 116.7939, 40.3588
Gubeikou, 117.1584, 40.6884
# Yanqing
Badaling Great Wall, 116.0168, 40.3577
Longqingxia, 116.0058, 40.5506
Yudushan, 115.8840, 40.5488
Kangxi Grassland, 115.8539, 40.3889
Yeyahu, 115.8489, 40.4139
Olympic sliding centre, 115.7887, 40.5267
Yongning, 116.1597, 40.5245
Sihai, 116.4017, 40.5235
Qianjiadian, 116.3437, 40.6934
Shuiguan Great Wall, 116.0317, 40.3386
Dazhuangke, 116.2189, 40.4187
Guyaju, 115.8288, 40.4538
Zhenzhuquan, 116.4537, 40.5635
World Expo Garden, 115.9390, 40.4469
Shixiaguan, 115.9390, 40.3039
# outside
Zhuozhou, 115.9850, 39.4900
Gu'an, 116.2990, 39.4380
Langfang station, 116.7060, 39.5100
Wanzhuang, 116.6000, 39.5650
Yanjiao, 116.8150, 39.9480
Sanhe, 117.0700, 39.9820
Dachang, 116.9850, 39.8890
Xianghe, 117.0000, 39.7610
Anping Xianghe, 116.9450, 39.7200
Jizhou, 117.4050, 40.0450
Panshan, 117.2750, 40.0850
Xinglong, 117.4950, 40.4180
Wulingshan peak, 117.4850, 40.6000
Jinshanling Gate, 117.2400, 40.6880
Luanping Hushiha, 116.9900, 40.8700
Fengning, 116.6400, 41.2100
Donghuayuan, 115.7600, 40.3250
Guanting dam, 115.6000, 40.2300
Huailai Shacheng, 115.5150, 40.4050
Chicheng, 115.8260, 40.9130
Zhenbiancheng, 115.7950, 40.1500
Yesanpo, 115.4550, 39.6600
Laishui Zhaogezhuang, 115.6400, 39.4500
Jiufu Yongqing, 116.4900, 39.3100
Duanjialing, 117.1300, 40.0300
Wuqing Hexiwu, 116.9300, 39.6250
Chicheng Houcheng, 115.9500, 40.6800
Fengning Tanghe, 116.4000, 41.0000
"""


# West, south, east, north [deg] in the usual descriptions of the districts (general knowledge, rounded to minutes).
EXTENTS = {
    "Shijingshan": (116.12, 39.88, 116.24, 39.98),
    "Haidian": (116.05, 39.88, 116.38, 40.15),
    "Fengtai": (116.07, 39.77, 116.47, 39.90),
    "Mentougou": (115.42, 39.81, 116.17, 40.18),
    "Fangshan": (115.42, 39.50, 116.25, 39.92),
    "Tongzhou": (116.53, 39.60, 116.93, 40.03),
    "Shunyi": (116.47, 40.00, 116.97, 40.30),
    "Changping": (115.84, 40.04, 116.50, 40.39),
    "Huairou": (116.28, 40.23, 116.88, 41.07),
    "Pinggu": (116.92, 40.03, 117.40, 40.38),
    "Miyun": (116.66, 40.22, 117.51, 40.80),
    "Yanqing": (115.73, 40.27, 116.57, 40.78),
}


def places() -> pl.DataFrame:
    rows, district = [], ""
    for line in PLACES.strip().splitlines():
        if line.startswith("# "):
            district = line.removeprefix("# ")
        else:
            name, lon, lat = line.split(", ")
            rows.append((name, district, float(lon), float(lat)))
    return pl.DataFrame(rows, schema=["name", "district", "lon", "lat"], orient="row")


@pytest.fixture(scope="module")
def districts() -> dy.DataFrame[District]:
    return read_table(FOLDER / "districts.csv", District)


@pytest.fixture(scope="module")
def seats() -> dy.DataFrame[Seat]:
    return read_table(FOLDER / "seats.csv", Seat)


@pytest.fixture(scope="module")
def zones() -> dy.DataFrame[Zone]:
    return read_table(FOLDER / "zones.csv", Zone)


def test_the_shipped_zones_are_what_the_seats_and_districts_make(
    districts: dy.DataFrame[District], seats: dy.DataFrame[Seat], zones: dy.DataFrame[Zone]
) -> None:
    plain = read_table(FOLDER / "plain.csv", PlainPoint)
    centres = read_table(FOLDER / "job_centres.csv", JobCentre)

    made = make_zones(districts, seats, plain, centres)

    assert made.equals(zones)


def test_residents_are_the_census_of_2020_by_district_and_in_all(
    districts: dy.DataFrame[District], zones: dy.DataFrame[Zone]
) -> None:
    sums = zones.group_by("district").agg(pl.col("population").sum()).sort("district")

    assert sums.equals(districts.select("district", "population").sort("district"))
    assert zones["population"].sum() == CENSUS_2020
    assert districts.filter("central")["population"].sum() == CENTRAL_SIX_2020


def test_cells_of_every_district_cover_its_official_area_within_three_per_cent(
    districts: dy.DataFrame[District], zones: dy.DataFrame[Zone]
) -> None:
    both = district_areas(zones).join(districts, on="district", suffix="_official")

    off = both.select("district", off=(pl.col("area_km2") / pl.col("area_km2_official") - 1.0).abs())
    assert len(off) == 16
    assert off.filter(pl.col("off") > 0.03).to_dicts() == []
    assert zones["area_km2"].sum() == pytest.approx(AREA_KM2, rel=0.01)


def test_outlines_of_every_district_cover_its_official_area_within_three_per_cent(
    districts: dy.DataFrame[District], seats: dy.DataFrame[Seat]
) -> None:
    official = dict(districts.select("district", "area_km2").iter_rows())

    areas = {name: _area_km2(outline) for name, outline in district_outlines(seats).items()}

    assert {name: area for name, area in areas.items() if abs(area / official[name] - 1.0) > 0.03} == {}


def test_chaoyang_has_its_airport_exclave_of_about_fourteen_square_kilometres(seats: dy.DataFrame[Seat]) -> None:
    parts = sorted(shapely.get_parts(district_outlines(seats)["Chaoyang"]), key=_area_km2)

    assert len(parts) == 2
    assert _area_km2(parts[0]) == pytest.approx(14.0, abs=1.5)
    assert parts[0].contains(shapely.Point(116.585, 40.0801))


def test_only_chaoyang_lies_apart_and_only_shunyi_has_a_hole(seats: dy.DataFrame[Seat]) -> None:
    outlines = district_outlines(seats)

    assert {name for name, outline in outlines.items() if len(shapely.get_parts(outline)) > 1} == {"Chaoyang"}
    holes = {name: sum(len(p.interiors) for p in shapely.get_parts(o)) for name, o in outlines.items()}
    assert {name for name, count in holes.items() if count} == {"Shunyi"}


def test_98_per_cent_of_known_places_get_their_district(seats: dy.DataFrame[Seat]) -> None:
    known = places()

    found = nearest_district(known["lon"], known["lat"], seats)

    wanted = known["district"].replace("outside", "").to_numpy()
    assert len(known) > 250
    assert not set(known["name"]) & set(seats["seat"])
    assert (found == wanted).mean() >= 0.98


def test_subdistrict_and_township_seats_are_labelled_right_without_themselves(seats: dy.DataFrame[Seat]) -> None:
    own = pl.col("kind").is_in(["subdistrict", "township"])
    others, left_out = Seat.validate(seats.filter(~own)), seats.filter(own)

    found = nearest_district(left_out["lon"], left_out["lat"], others)

    assert len(left_out) > 300
    assert (found == left_out["district"].to_numpy()).mean() >= 0.98


@pytest.mark.parametrize("district", EXTENTS)
def test_a_district_reaches_as_far_as_it_is_described_within_two_hundredths_of_a_degree(
    district: str, seats: dy.DataFrame[Seat]
) -> None:
    assert district_outlines(seats)[district].bounds == pytest.approx(EXTENTS[district], abs=0.02)


def test_every_district_borders_the_neighbours_it_has_on_the_map(seats: dy.DataFrame[Seat]) -> None:
    outlines = district_outlines(seats)
    grown = {name: outline.buffer(0.002) for name, outline in outlines.items()}

    touching = {a: {b for b in outlines if b != a and grown[a].intersects(outlines[b])} for a in outlines}

    assert touching["Dongcheng"] == {"Xicheng", "Chaoyang", "Fengtai"}
    assert touching["Xicheng"] == {"Dongcheng", "Chaoyang", "Haidian", "Fengtai"}
    assert touching["Shijingshan"] == {"Haidian", "Fengtai", "Mentougou"}
    assert touching["Pinggu"] == {"Shunyi", "Miyun"}
    assert touching["Yanqing"] == {"Changping", "Huairou"}
    assert touching["Tongzhou"] == {"Chaoyang", "Shunyi", "Daxing"}
    assert touching["Mentougou"] == {"Changping", "Haidian", "Shijingshan", "Fengtai", "Fangshan"}


def test_cells_of_the_central_six_are_fine_and_others_coarse_but_at_the_seam(
    districts: dy.DataFrame[District], zones: dy.DataFrame[Zone]
) -> None:
    central = districts.filter("central")["district"].to_list()
    fine = np.array([h3.get_resolution(cell) == 8 for cell in zones["zone"]])
    inside = zones["district"].is_in(central).to_numpy()

    assert fine[inside].all()
    families = {h3.cell_to_parent(cell, 7) for cell in zones.filter(pl.Series(inside))["zone"]}
    assert {h3.cell_to_parent(cell, 7) for cell in zones.filter(pl.Series(fine))["zone"]} == families


def test_mountains_are_about_three_fifths_of_the_city(zones: dy.DataFrame[Zone]) -> None:
    share = zones.filter("mountain")["area_km2"].sum() / zones["area_km2"].sum()

    assert share == pytest.approx(0.61, abs=0.03)


def _area_km2(outline: shapely.Geometry) -> float:
    projected = shapely.transform(outline, lambda points: np.column_stack(to_metres(points[:, 0], points[:, 1])))
    return float(projected.area) / 1e6
