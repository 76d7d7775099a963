"""Phrases of the synthetic sample about loans, one a line, with the placeholders of `texts_accounts`."""

LOAN_PHRASES = {
    "mortgage": """
My mortgage was [sold|transferred] to <company> and they do not [recognize|honor] my earlier payments.
The escrow [analysis|account] is wrong and my monthly mortgage payment went up by <amount>.
<company> did not pay my [property taxes|homeowners insurance] from escrow and I was charged a penalty.
I applied for a loan modification and was asked for the same documents <count> times.
They started [a foreclosure|foreclosure proceedings] while my modification was still under review.
The servicer put force placed insurance on my [home|house|property] although I have always been covered.
My refinance was delayed for <days> and I lost the rate lock.
The appraisal came in low because the appraiser used [wrong comparables|the wrong square footage].
We were told at closing that we need to bring another <amount>.
My forbearance ended and they want all <count> missed mortgage payments at once.
The payoff statement shows <amount> more than the balance of my home loan.
They returned my [principal payment|monthly payment] because it was "not a full installment".
The lender denied the home equity line although we have enough equity in the house.
My PMI should have been removed when the loan reached 80 percent of the value.
The underwriter keeps asking for more [bank statements|pay stubs|tax returns] before closing.
A sheriff sale of our home has been set for <date>.
The lien was never released after I paid off my mortgage in <year>.
I make extra principal payments and <company> applies them to future installments.
The loan officer promised a [fixed|lower] rate and the closing disclosure shows a different one.
I am the [widow|heir|successor in interest] and the servicer will not speak with me about the mortgage.
The insurance check for the [roof|storm|water] damage is held by the mortgage company.
My reverse mortgage was called due although I live in the house.
They reported my mortgage as late during the transfer of servicing.
The single point of contact for my modification changes every week.
I only want my escrow shortage explained and my payment corrected.
""",
    "student_loan": """
My student loan servicer [miscounted|did not count|lost] my qualifying payments for forgiveness.
I applied for an income driven repayment plan on <date> and it is still [processing|pending].
<company> put my loans into forbearance without my [consent|request|knowledge].
My school [closed|lost its accreditation|misled me] and I want my federal loans discharged.
My student loans were transferred from one servicer to another and the payment history is gone.
The monthly payment on my student loans went from <amount> to <amount> after recertification.
I am a [teacher|nurse|public employee] and was told that my plan is wrong for public service forgiveness.
I have paid for <count> years and the balance is higher than what I borrowed for college.
They applied my extra payment to the loan with the lowest interest rate.
The private student loan has my [mother|father|grandmother] as a cosigner and they refuse a release.
My interest was capitalized after the [deferment|grace period|forbearance] without notice.
I am still enrolled [half time|full time] and they say that I am in repayment.
My wages are garnished for a student loan from <year> that I paid.
My tax refund was [offset|taken] for a defaulted student loan which I was rehabilitating.
The Department of Education tells me to call the servicer, who tells me to call the Department.
They do not process my [disability discharge|borrower defense|consolidation] application.
My autopay discount was removed when the loan moved to <company>.
The [university|college|campus] certified an amount that I never received.
I cannot find out which of my <count> student loans are subsidized.
A company offered me "student loan relief" for <amount> and did nothing.
The servicer reports me as 90 days delinquent although my loans are in deferment.
I graduated in <year> and never got a single bill from the lender.
They told me that my degree program does not qualify for the repayment plan.
The tuition loan was disbursed after I had withdrawn from the semester.
I am asking for a full accounting of principal and interest on my education loans.
""",
    "vehicle_loan": """
My [car|truck|vehicle|SUV] was repossessed although I had [made|arranged] the payment.
I paid off my auto loan on <date> and <company> has not sent the title.
The [dealer|dealership] told me that my rate would be 5 percent and the contract says 19.
After the repossession they sold the [car|truck] at auction and want a deficiency of <amount>.
I asked for a [deferment|extension] of my car payment and they added <amount> of interest at the end.
The lease end [inspection|bill] charges me <amount> for wear that is normal.
The car was totaled and the [gap insurance|insurer] did not pay what is left on the loan.
I returned the leased vehicle and they still charge the monthly lease payment.
The dealer added [a warranty|a service contract|paint protection] of <amount> to the loan without telling me.
<company> gave my dealership a loan in my name for a vehicle that I never drove.
They put the late fees first, so that my car payment is always short.
The vehicle has a lien on it from the lender although it was paid in <year>.
The tow truck took my [car|van] from my driveway at night with my belongings inside.
I tried to buy out my lease and they quote <amount> more than the contract.
The auto lender does not accept my payment [online|by phone] without a fee of <amount>.
The loan application for the car was sent to <count> lenders by the dealer.
I traded in my old [car|truck] and the dealership did not pay off the loan.
They want proof of insurance for the vehicle that I already sent <count> times.
My payoff amount on the auto loan changes each time that I ask.
The odometer and the year of the vehicle are wrong in the finance contract.
I cannot register my car because the lender has not released the title to the state.
They refuse to refinance my auto loan although I never missed a car payment.
I voluntarily surrendered the vehicle and it was reported as a repossession.
The [engine|transmission] failed within days and the finance company will not cancel the contract.
They disabled my car with the starter device while I was only <days> late.
""",
    "payday_personal_loan": """
I took a payday loan of <amount> and have paid back <amount> already.
The [online|tribal|internet] lender takes <amount> every two weeks and nothing goes to principal.
The interest on this installment loan is more than 400 percent.
I never applied for this personal loan, yet <company> deposited money and wants it back with fees.
I gave them my car title for a loan of <amount> and they want three times as much.
They rolled over my cash advance <count> times and each time charged a new fee.
The lender is not licensed in my state and the payday loan is void.
I was told to pay an upfront fee of <amount> to get the personal loan, and then heard nothing.
I paid off my installment loan early and they still [withdraw|debit|take] the payments.
The cash advance app took [a tip|an express fee] that I did not agree to.
The title lender threatens to take my [car|truck] over a loan that is almost paid.
My personal line of credit was [closed|cut] while I was making the payments.
I was approved for a personal loan and the money was never [sent|funded|deposited].
They debited my account <count> times in one day for the same payday loan.
The debt settlement company took <amount> in fees and did not settle one of my debts.
The credit repair company promised results in <days> and kept my money.
I asked for a payment plan on my cash advance and the store refused.
The loan agreement does not show the APR of the personal loan anywhere.
I refinanced the small loan and they added insurance that I had declined.
The lender changed my due date, so that the loan payment came before my payday.
A pawn shop sold my [ring|laptop|guitar] before the ticket expired.
The earned wage advance was taken out of my next paycheck twice.
The storefront lender sends my references messages about my short term loan.
I want this high interest loan to be cancelled and the overpayment refunded.
They told me that I am approved "regardless of credit" and asked for gift cards as a deposit.
""",
}
