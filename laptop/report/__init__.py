"""The report of a run: the page (`page.render`), the terminal's text (`summary.text`) and the quarantine.

collect        reads the published results from S3
metrics        accuracy, F1, calibration error and histogram, computed from counts
quarantine     the quarantined rows as one CSV
summary        the text in the terminal
page           report.html; its sections are `rows`, `scores` and `timing`
row_account    rows in against rows accounted for
figures        bars, histogram and confusion matrix as SVG and HTML
markup         HTML elements with every value escaped
formatting     numbers and names as text
"""
