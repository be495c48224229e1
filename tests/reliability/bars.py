"""stub"""
BARS = ()
def recorded(bar):
    return ""
