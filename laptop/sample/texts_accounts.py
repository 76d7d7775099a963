"""Phrases of the synthetic sample about credit reports, debts, cards, accounts and transfers, one a line.

`[a|b]` stands for one of its alternatives, `<slot>` for a value of `texts.SLOTS`.
Products are mentioned outside their own class on purpose: real complaints overlap.
"""

ACCOUNT_PHRASES = {
    "credit_reporting": """
[An account|A tradeline|An entry] on my credit report does not belong to me and I [want|need] it removed.
I [checked|pulled|looked at] my credit report on <date> and found <count> accounts that I never opened.
<company> keeps [reporting|listing|showing] a balance of <amount> which is [wrong|not mine|out of date].
I sent a dispute letter to the [bureau|bureaus|agency] on <date> and they answered "verified" without proof.
My score [dropped|fell|went down] by <count> points because of this [error|entry|mistake].
A [student loan|car loan|mortgage|credit card] on my report is marked late although it was paid on time.
There are [hard inquiries|inquiries|credit checks] on my file that I did not authorize.
The Fair Credit Reporting Act gives them 30 days to investigate, and it has been <days>.
They list [a wrong address|a misspelled name|somebody else's birth date] under my personal information.
I attached my [police report|identity theft affidavit] and asked to block these items under section 605B.
The [bankruptcy|judgment|tax lien] was discharged years ago but still [shows|appears] as open on my file.
<company> says that the [furnisher|data provider] confirmed the account, but will not tell me how.
My file is [mixed|mixed up] with that of [a relative|my father|a stranger] who has a similar name.
I want a copy of the documents that were used to [verify|validate] this tradeline.
The account was closed in <year> and should have [aged off|fallen off|been deleted] after seven years.
Each bureau shows a different [date of first delinquency|balance|status] for the same account.
I tried to [freeze|lock|unfreeze] my file and the website of <company> would not accept my identity.
I could not [get|see|download] my free annual report because the security questions were about someone else.
After my dispute the item was [deleted|removed] and then reinserted <days> later without a notice to me.
I was [denied|turned down for] [an apartment|a mortgage|a car loan|a job] because of the inaccurate report.
They used my consumer report without a permissible purpose, which violates my privacy.
The payment history shows <count> late payments that never happened.
My fraud alert was [ignored|removed|not placed] by the bureau.
[Collections|Charge offs|Medical bills] are reported on my credit file that I know nothing about.
Please correct my [report|file|credit history] and send me an updated copy.
""",
    "debt_collection": """
A [debt collector|collection agency|collector] calls me [every day|all day|at work] about a debt of <amount>.
I never had an account with the original creditor and I do not owe this [debt|money|bill].
I asked <company> for validation of the debt and [received nothing|got only a printout|never heard back].
They threatened to [sue me|garnish my wages|take me to court|have me arrested] if I do not pay today.
The [medical|hospital|dental] bill was paid by my insurance in <year>, yet the agency still wants <amount>.
The collector called my [mother|neighbor|employer|coworkers] and told them about the debt.
This debt is past the statute of limitations in my state.
I sent a cease and desist letter on <date> and the [calls|letters|texts] did not stop.
They placed the collection on my credit report without ever writing to me first.
The balance was [sold|assigned|transferred] to <company>, and neither can show a contract with my signature.
The [cable|internet|phone|utility] company says that I owe nothing, but the collector does not accept this.
I settled this for <amount> with the first agency, and now a second one is trying to collect the rest.
The man on the phone [yelled|cursed|laughed] at me and refused to give his name or a mailing address.
It is a violation of the Fair Debt Collection Practices Act to collect what I do not owe.
My [old landlord|former apartment complex|gym] sent me to collections for <amount> after I had moved out.
They added [interest|fees|court costs] of <amount> which were never part of the agreement.
I received a [summons|notice|letter] from a law firm about an alleged debt that I do not recognize.
The debt is the result of identity theft and I have [a police report|an affidavit] to prove it.
They will not tell me who the original creditor is or when the debt began.
I got a text that says "final notice before legal action" from a number that I do not know.
The collector [took|withdrew|tried to take] <amount> from my checking account without permission.
The debt was included in my bankruptcy and they still [call|write|demand payment].
I paid the collection in full on <date> and they continue to demand the money.
They refuse to [send|mail] anything in writing and only want my card number over the phone.
The collection is for [a payday loan|a credit card|a car|tuition] that belongs to someone else.
""",
    "card": """
My credit card was charged <amount> by a merchant that I have never [heard of|used|visited].
I disputed the [charge|purchase|transaction] with <company> and they sided with the merchant.
They charged a late fee of <amount> even though my payment was [on time|scheduled|posted before the due date].
The interest rate on my card went from 14 to 29 percent without [a notice|a reason|an explanation].
I was promised a bonus of <count> points after spending <amount>, and it was never [posted|credited|paid].
<company> [closed|cancelled|restricted] my card without a warning while I was traveling.
My application for the card was [denied|declined] although my income and history are good.
The balance transfer offer said "0% for 18 months" and now I am charged interest.
The merchant never [delivered|shipped|refunded] what I bought, and the chargeback was refused.
An annual fee of <amount> appeared on my statement for a card that I [cancelled|never activated].
They lowered my credit limit from <amount> to <amount> for no reason.
The prepaid card that I [bought|received as a gift] has no balance although it was never used.
My prepaid card was [locked|blocked] and <company> will not release my funds.
Someone opened a store card in my name and bought goods for <amount>.
The autopay on the card was [turned off|dropped|changed] and they reported me late.
I reported my card as [lost|stolen] on <date> and still have charges after that day.
The cash back that I earned was [forfeited|taken away] when the account was closed.
My monthly statement shows a minimum payment that is [wrong|higher than agreed].
I never received the new card [in the mail|at my address], yet it has purchases on it.
They posted my payment to a different card account and charged me interest.
A subscription keeps billing my card although I cancelled it in <year>.
The foreign transaction fee on the card was not [disclosed|mentioned] when I applied.
The card issuer says that a chip transaction "cannot be fraud" and denied my claim.
I asked for my residual interest to be waived after paying off the full card balance.
My gift card was declined at the store and the activation fee was not refunded.
""",
    "bank_account": """
My checking account was [closed|locked|frozen|restricted] by <company> without any explanation.
I was charged <count> overdraft fees of <amount> in a single [day|week].
The bank holds my [paycheck|deposit|funds|tax refund] of <amount> and will not say for how long.
I deposited a check for <amount> on <date> and it [is still on hold|was returned|never posted].
There are [debit card|ATM] withdrawals on my account that I did not make.
I opened a savings account for a promotion of <amount> and the bonus was [denied|never paid].
The branch [manager|teller|officer] told me that I have to come in with two forms of identification.
My direct deposit was [rejected|sent back|missing] and my rent check bounced.
They reordered my transactions from high to low to create more overdrafts.
I want the bank to refund the [monthly maintenance|overdraft|insufficient funds] fees.
The ATM [did not give me|kept|miscounted] my cash deposit of <amount>.
Someone forged my signature on [a check|several checks] and the bank refuses to reimburse me.
My claim for the unauthorized debits was denied after <days> under Regulation E.
I cannot get into my online banking because the code goes to [an old phone number|an old email].
<company> will not let me [close|reopen|change] my account unless I visit a branch.
The certificate of deposit renewed [automatically|without notice] and there is a penalty to take it out.
The bank let a company debit my account after I had placed a stop payment.
My late [mother|father|husband]'s savings account was not released to me as the beneficiary.
The teller deposited my money into the account of another customer.
The bank put me into an early warning system and now I cannot open a checking account anywhere.
A payment was returned as insufficient although my available balance was <amount>.
My joint account was changed and [my wife|my son|my partner] was removed without a signature.
A cashier's check from the bank turned out to be [void|refused|not payable].
I was told that my account is under review and the remaining balance will be mailed by check.
The mobile deposit of my check was accepted in the app and then reversed.
""",
    "money_transfer": """
I sent <amount> [through|with|by] the app to the wrong person and <company> will not return it.
The [money transfer|wire|remittance] to my [family|sister|supplier] abroad has not arrived after <days>.
I was [tricked|scammed|deceived] into sending money to someone who posed as [my bank|the police|a landlord].
My [wallet|crypto wallet|mobile wallet] was emptied and <amount> in [coins|bitcoin|virtual currency] is gone.
<company> [locked|suspended|limited] my wallet with <amount> in it and asks for the same documents again.
The receiver was told that there is no transfer with this [tracking|confirmation|reference] number.
The exchange does not let me withdraw my [coins|tokens|bitcoin] to my own address.
The exchange rate that was applied to my transfer was not the one that I was shown.
I cancelled the transfer within minutes and was told that it was already [picked up|paid out].
The transfer was paid out to someone else with a [fake|false] identification.
A seller asked me to pay by instant transfer and then [disappeared|blocked me].
The money order that I bought for <amount> was [lost|stolen|cashed by another person].
They want to keep the transfer fee of <amount> although the money was never delivered.
My phone number was hijacked and the thief transferred everything out of the app.
The agent at the counter [entered|typed] the wrong name and now the recipient cannot collect the cash.
I paid a [rental deposit|puppy seller|ticket seller] through the app and it was a fraud.
My transfer is "under review" and there is nobody whom I can reach.
The app let a stranger link my [debit card|bank account] and send <count> payments.
The crypto platform [closed|shut down|froze withdrawals] and my virtual currency is stuck.
I need the wire to be recalled before the funds leave the receiving bank.
They say that I authorized the payment, but I was deceived by a caller who spoofed their number.
I sent funds to an overseas [cousin|friend|vendor] and the pick up location has no cash.
The traveler's checks could not be exchanged anywhere.
My account at the payment service was verified, then disabled right after I received <amount>.
The foreign currency that I ordered was [short|not delivered|of the wrong kind].
""",
}
