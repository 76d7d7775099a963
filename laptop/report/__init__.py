"""What a person reads of a run: the page `report.html` (`page.render`) and the terminal's text (`summary.text`)."""
