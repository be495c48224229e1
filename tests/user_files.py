"""Files in the manner of public exports: made up, a few dozen rows each, with the quirks of the originals."""

import json

import numpy as np
import pandas as pd

ROWS = 60
VALUES = 5000 + 10 * np.arange(ROWS) + 3.25  # 5003.25, 5013.25, ...
SMALL = np.round(20 + np.arange(ROWS) / 8, 3)  # 20.0, 20.125, ...
DAYS = pd.date_range("2024-01-01", periods=ROWS)
HOURS = pd.date_range("2024-01-01", periods=ROWS, freq="h")


def lines(*parts, end="\n"):
    """Lines out of strings and lists of strings."""
    flat = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    return end.join(flat) + end


def rows(*columns, separator=","):
    """One line for each row of columns of text."""
    return [separator.join(map(str, cells)) for cells in zip(*columns, strict=True)]


def german(number):
    """5003.25 as 5.003,25."""
    return f"{number:,.2f}".translate({44: 46, 46: 44})


def nasdaq():
    days = pd.bdate_range("2024-03-01", periods=ROWS)
    price = [f"${value:.2f}" for value in SMALL]
    table = rows(days.strftime("%m/%d/%Y"), price, np.arange(ROWS) + 1_000_000, price)
    return lines("Date,Close/Last,Volume,Open", table[::-1])


def grid_operator():
    return lines("Interval Start,Price", rows(HOURS.strftime("%-m/%-d/%Y %-I:%M:%S %p"), SMALL)[::-1])


def noaa_daily():
    station = ["USW00094728"] * ROWS
    return lines(
        "STATION,NAME,DATE,PRCP,TMAX", rows(station, ['"NEW YORK, NY US"'] * ROWS, DAYS.date, [0.0] * ROWS, SMALL)
    )


def noaa_compact():
    return lines("STATION,DATE,TMAX", rows(["GHCND:USW1"] * ROWS, DAYS.strftime("%Y%m%d"), SMALL))


def buoy():
    """Blanks of any number, the minute called mm, and a second header with units."""
    parts = rows(HOURS.strftime("%Y %m %d %H %M"), SMALL, ["99.0"] * ROWS, separator="  ")
    return lines("#YY  MM DD hh mm WDIR WSPD", "#yr  mo dy hr mn degT m/s", parts)


def uci_power():
    minutes = pd.date_range("2006-12-16 17:24", periods=ROWS, freq="min")
    power = [f"{value:.3f}" for value in SMALL]
    days, clocks = minutes.strftime("%d/%m/%Y"), minutes.strftime("%H:%M:%S")
    table = rows(days, clocks, power, ["18.400"] * ROWS, separator=";")
    return lines("Date;Time;Global_active_power;Global_intensity", table, end="\r\n")


def uci_power_question_marks():
    return uci_power().replace("20.500;18.400", "?;?")


def uci_air():
    """Decimal commas, dots in the clock, two empty columns and empty lines at the end."""
    text = [f"{value}".replace(".", ",") for value in SMALL]
    table = rows(HOURS.strftime("%d/%m/%Y"), HOURS.strftime("%H.%M.%S"), text, [1360] * ROWS, separator=";")
    return lines("Date;Time;CO(GT);PT08.S1(CO);;", [f"{line};;" for line in table], [";;;;;"] * 4)


def uci_bike():
    table = rows(
        np.arange(1, ROWS + 1), HOURS.date, [1] * ROWS, [0] * ROWS, HOURS.hour, [0.24] * ROWS, VALUES.astype(int)
    )
    return lines("instant,dteday,season,yr,hr,temp,cnt", table)


def uci_beijing():
    parts = (HOURS.year, HOURS.month, HOURS.day, HOURS.hour)
    return lines("No,year,month,day,hour,pm2.5,DEWP", rows(np.arange(1, ROWS + 1), *parts, SMALL, [-21] * ROWS))


def uci_appliances():
    table = rows(HOURS.strftime('"%Y-%m-%d %H:%M:%S"'), [f'"{int(v)}"' for v in VALUES], SMALL)
    return lines('"date","Appliances","T1"', table)


def rossmann():
    day = DAYS[::-1]
    parts = [
        rows([store] * ROWS, day.day_of_week + 1, day.date, [int(v) for v in VALUES[::-1]], [1] * ROWS)
        for store in (1, 2)
    ]
    return lines('"Store","DayOfWeek","Date","Sales","Open"', parts[0], parts[1])


def store_item():
    parts = [rows(DAYS.date, [store] * ROWS, [item] * ROWS, VALUES.astype(int)) for store in (1, 2) for item in (1, 2)]
    return lines("date,store,item,sales", *parts)


def entsoe_prices():
    begin = HOURS.strftime("%d.%m.%Y %H:%M")
    end = (HOURS + pd.Timedelta(hours=1)).strftime("%d.%m.%Y %H:%M")
    span = [f'"{a} - {b}"' for a, b in zip(begin, end, strict=True)]
    return lines(
        '"MTU (CET/CEST)","Day-ahead Price [EUR/MWh]","Currency"',
        rows(span, [f'"{v}"' for v in SMALL], ['"EUR"'] * ROWS),
    )


def entsoe_missing():
    return entsoe_prices().replace('"21.0"', '"n/e"')


def miso_load():
    """Lines above and below the table, hours from 1 to 24."""
    table = rows(HOURS.strftime("%m/%d/%Y"), HOURS.hour + 1, VALUES)
    above = ["Load Report", "Published,01/05/2024", ""]
    return lines(above, "Market Day,HourEnding,MISO MTLF (MWh)", table, "", "Disclaimer: the data are preliminary.")


def ercot_load():
    ending = [f"{day:%m/%d/%Y} {hour + 1:02d}:00" for day, hour in zip(HOURS, HOURS.hour, strict=True)]
    return lines(
        "Hour Ending,COAST,EAST", rows(ending, [f'"{v:,.2f}"' for v in VALUES], [f'"{v:,.2f}"' for v in VALUES])
    )


def settlement_periods():
    half = pd.date_range("2024-01-01", periods=96, freq="30min")
    period = half.hour * 2 + half.minute // 30 + 1
    return lines(
        "SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND",
        rows(half.strftime("%d-%b-%Y").str.upper(), period, np.arange(96) + 20000),
    )


def google_trends():
    weeks = pd.date_range("2023-01-01", periods=ROWS, freq="W")
    return lines("Category: All categories", "", "Week,lstm: (Worldwide)", rows(weeks.date, SMALL.astype(int)))


def google_trends_below_one():
    return google_trends().replace(",21\n", ",<1\n", 1)


def fred():
    months = pd.date_range("2015-01-01", periods=ROWS, freq="MS")
    return lines("observation_date,UNRATE", rows(months.date, SMALL))


def fred_with_points():
    days = pd.bdate_range("2024-01-01", periods=ROWS)
    return lines(
        "DATE,DGS10", rows(days.date, ["." if number == 7 else f"{value}" for number, value in enumerate(SMALL)])
    )


def jena():
    ten = pd.date_range("2009-01-01 00:10", periods=ROWS, freq="10min")
    table = rows(ten.strftime("%d.%m.%Y %H:%M:%S"), SMALL, [-8.02] * ROWS)
    return lines('"Date Time","p (mbar)","T (degC)"', table)


def m4_wide():
    header = ",".join(f'"V{number}"' for number in range(1, 41))
    return lines(header, [f'"H{n}",' + ",".join(map(str, range(n, n + 39))) for n in range(1, 21)])


def web_traffic():
    days = [str(day.date()) for day in DAYS]
    return lines(
        "Page," + ",".join(days), [f"Page_{n}_en.wikipedia.org," + ",".join(["12.0"] * ROWS) for n in range(20)]
    )


def world_bank():
    """A title above, and the years as columns."""
    years = [str(year) for year in range(1990, 2024)]
    above = ['"Data Source","World Development Indicators",', "", '"Last Updated Date","2024-06-28",', ""]
    return lines(above, '"Country Name","Country Code",' + ",".join(f'"{y}"' for y in years),
                 [f'"Country {n}","C{n:02d}",' + ",".join(f'"{n}.5"' for _ in years) for n in range(20)])  # fmt: skip


def page_views():
    return lines("timestamp,views", rows(HOURS.strftime("%Y%m%d%H"), VALUES.astype(int)))


def yahoo():
    days = pd.bdate_range("2024-03-01", periods=ROWS).strftime("%Y-%m-%d")
    return lines("Price,Close,High", "Ticker,AAPL,AAPL", "Date,,", rows(days, SMALL, SMALL + 1))


def yahoo_tickers():
    days = pd.bdate_range("2024-03-01", periods=ROWS).strftime("%Y-%m-%d")
    return lines("Price,Close,Close", "Ticker,AAPL,MSFT", "Date,,", rows(days, SMALL, SMALL + 1))


def units_below():
    return lines(
        "Zeit;Last;Wind",
        "[UTC];[MW];[m/s]",
        rows(HOURS.strftime("%d.%m.%Y %H:%M"), map(german, VALUES), ["3,5"] * ROWS, separator=";"),
    )


def destatis():
    months = pd.date_range("2019-01-01", periods=ROWS, freq="MS").strftime("%Y-%m")
    table = rows(months, map(german, VALUES), separator=";")
    return lines("Monat;Wert", table, "__________", "© Statistisches Amt, 2024")


def eurostat():
    quarters = pd.period_range("2008Q1", periods=ROWS, freq="Q")
    return lines("geo,TIME_PERIOD,OBS_VALUE", rows(["DE"] * ROWS, [f"{q.year}-Q{q.quarter}" for q in quarters], SMALL))


def imf_months():
    months = pd.date_range("2019-01-01", periods=ROWS, freq="MS")
    return lines("Time Period,CPI", rows(months.strftime("%YM%m"), SMALL))


def illness():
    weeks = pd.date_range("2023-01-02", periods=ROWS, freq="W-MON").isocalendar()
    return lines("REGION,YEAR,WEEK,ILITOTAL", rows(["Nation"] * ROWS, weeks["year"], weeks["week"], VALUES.astype(int)))


def iso_weeks():
    weeks = pd.date_range("2023-01-02", periods=ROWS, freq="W-MON").isocalendar()
    return lines(
        "week,cases",
        rows([f"{y}-W{w:02d}" for y, w in zip(weeks["year"], weeks["week"], strict=True)], VALUES.astype(int)),
    )


def nasa_power():
    above = ["-BEGIN HEADER-", "NASA/POWER CERES/MERRA2", "Location: latitude 52.5, longitude 13.4", "-END HEADER-"]
    return lines(above, "YEAR,MO,DY,T2M,PRECTOTCORR", rows(DAYS.year, DAYS.month, DAYS.day, SMALL, [0.1] * ROWS))


def exchange_seconds():
    seconds = HOURS.astype("datetime64[s]").astype("int64")
    return lines("Timestamp,Open,Close", rows([f"{s}.0" for s in seconds], SMALL, SMALL))


def exchange_milliseconds():
    seconds = HOURS.astype("datetime64[s]").astype("int64")
    return lines("open_time,close", rows(seconds * 1000, SMALL))


def pandas_index():
    return lines(",when,load", rows(range(ROWS), HOURS, SMALL))


def pandas_dates_as_index():
    return lines(",load", rows(HOURS, SMALL))


def r_rownames():
    """R writes no name over its row names."""
    return lines('"date","value"', rows([f'"{n}"' for n in range(1, ROWS + 1)], DAYS.date, SMALL))


def r_decimal_years():
    years = 1949 + np.arange(ROWS) / 12
    return lines(
        '"","time","value"',
        rows([f'"{n}"' for n in range(1, ROWS + 1)], [f"{y:.14g}" for y in years], VALUES.astype(int)),
    )


def sunspots():
    years = range(1700, 1700 + ROWS)
    return lines("Year;Mean;Dev", rows(years, SMALL, [-1.0] * ROWS, separator=";"))


def sunspots_without_header():
    return lines(rows(range(1749, 1749 + ROWS), ["01"] * ROWS, SMALL, separator=";"))


def investing():
    days = pd.bdate_range("2024-03-01", periods=ROWS)
    cells = [f'"{v:,.2f}"' for v in VALUES]
    table = rows(days.strftime('"%m/%d/%Y"'), cells, cells, ['"1.23M"'] * ROWS, ['"0.52%"'] * ROWS)
    return lines('"Date","Price","Open","Vol.","Change %"', table[::-1])


def swiss():
    return lines(
        "Datum\tBestand",
        rows(DAYS.strftime("%d.%m.%Y"), [f"{v:,.2f}".replace(",", "’") for v in VALUES], separator="\t"),
    )


def french():
    return lines(
        "Date;Valeur",
        rows(
            DAYS.strftime("%d/%m/%Y"),
            [f"{v:,.2f}".replace(",", "\u202f").replace(".", ",") for v in VALUES],
            separator=";",
        ),
    )


def in_doubt():
    return lines("day\ty", rows(DAYS.date, [f"{int(v):,}" for v in VALUES], separator="\t"))


def thousands_alone():
    return lines("day,y", rows(DAYS.date, [f'"{int(v):,}"' for v in VALUES]))


def json_lines():
    return lines(
        [
            json.dumps({"when": str(hour), "load": value, "station": {"id": 1}})
            for hour, value in zip(HOURS, SMALL, strict=True)
        ]
    )


def month_names():
    months = pd.date_range("2019-01-01", periods=ROWS, freq="MS")
    return lines("Month,Passengers", rows(months.strftime("%b-%y"), VALUES.astype(int)))


def year_and_month_columns():
    months = pd.date_range("2019-01-01", periods=ROWS, freq="MS")
    return lines("year,month,passengers", rows(months.year, months.strftime("%B"), VALUES.astype(int)))


def unreadable_dates():
    return lines("Date,y", rows([f"week {n} of season {n // 20}" for n in range(ROWS)], SMALL))


def only_an_index():
    return lines(",id", rows(range(ROWS), range(ROWS)))


def no_time():
    return lines("id,load", rows(range(1, ROWS + 1), SMALL))
