"""Runs, models and monitoring as web pages: for the plugin of Airflow's UI, and in part for the report of a run.

The pages show what jobs wrote to S3, and compute nothing that no job wrote. They never read narratives.

documents      JSON documents from S3, read side by side and remembered by their ETags
frame          the document around each page: navigation, language and script
style          the style sheet
overview       what is in service, the last runs
runs           a table of runs, with filters
airflow_run    a run of Airflow: its outcome in one line (`outcome`) and its steps
results        what a run has published
models         the versions of the model, and two of them class by class
monitoring     the estimated accuracy over time, and the decisions about all windows
window         one window: signals, accuracy, decision; also as the file that a message links to
words          the texts in English and Spanish, and numbers as each language writes them
row_account    rows in against rows accounted for
rows, scores   the sections on row accounts and on a model's scores
figures        bars, histogram and confusion matrix as SVG and HTML
markup         HTML elements with every value escaped
formatting     numbers and names as text
"""
