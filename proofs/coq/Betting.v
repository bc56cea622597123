(** Audits by betting, on trees of outcomes: a capital that cannot be expected to grow while the claim holds.

    A history is the list of the draws so far. Laws, stakes, regions and which draws are there may depend on it. The
    probability that a threshold is ever reached is a sum over the tree, and Ville's inequality an induction on its depth. *)

From Coq Require Import Reals Lra Psatz List.
From Coq Require Fin.
From Book Require Import Vectors Privacy.
Open Scope R_scope.

(** A missing unlearned draw counts as outside of the region, a missing retrained draw as inside. *)
Definition hit {n} (here : bool) (region : Fin.t n -> bool) (x : Fin.t n) : R := if here then (if region x then 1 else 0) else 0.
Definition false_hit {n} (there : bool) (region : Fin.t n -> bool) (y : Fin.t n) : R := if there then (if region y then 1 else 0) else 1.

(** What a round multiplies the capital by. *)
Definition factor epsilon delta stake a b := 1 + stake * (a - exp epsilon * b - delta).

(** The mean over two independent draws. *)
Definition expected {n} (p q : Fin.t n -> R) (f : Fin.t n -> Fin.t n -> R) := total (fun x => total (fun y => p x * q y * f x y)).

Lemma expected_le {n} (p q : Fin.t n -> R) f g : (forall x, 0 <= p x) -> (forall y, 0 <= q y) ->
  (forall x y, f x y <= g x y) -> expected p q f <= expected p q g.
Proof.
  intros first second below. apply total_le. intros x. apply total_le. intros y.
  apply Rmult_le_compat_l; [apply Rmult_le_pos; auto | apply below].
Qed.

Lemma expected_scale {n} (p q : Fin.t n -> R) c f : expected p q (fun x y => c * f x y) = c * expected p q f.
Proof.
  unfold expected. rewrite <- total_scale. apply total_ext. intros x. rewrite <- total_scale. apply total_ext. intros y. ring.
Qed.

Lemma expected_sum {n k} (p q : Fin.t n -> R) (f : Fin.t k -> Fin.t n -> Fin.t n -> R) :
  expected p q (fun x y => total (fun i => f i x y)) = total (fun i => expected p q (f i)).
Proof.
  unfold expected. transitivity (total (fun x => total (fun i => total (fun y => p x * q y * f i x y)))).
  - apply total_ext. intros x. rewrite <- total_exchange. apply total_ext. intros y. now rewrite <- total_scale.
  - now rewrite total_exchange.
Qed.

(** The mean of a constant, a function of the one draw and a function of the other. *)
Lemma expected_apart {n} (p q : Fin.t n -> R) u v w a b : finite_law p -> finite_law q ->
  expected p q (fun x y => u + v * a x + w * b y) = u + v * total (fun x => p x * a x) + w * total (fun y => q y * b y).
Proof.
  intros [_ p_whole] [_ q_whole]. unfold expected.
  transitivity (total (fun x => u * p x + (v * (p x * a x) + w * total (fun y => q y * b y) * p x))).
  - apply total_ext. intros x. transitivity (total (fun y => p x * (u + v * a x) * q y + w * p x * (q y * b y))).
    + apply total_ext. intros y. ring.
    + rewrite total_plus, !total_scale, q_whole. ring.
  - rewrite !total_plus, !total_scale, p_whole. ring.
Qed.

(** Mirrors [audit.e-factor]. *)
Theorem audit_e_factor (n : nat) (p q : Fin.t n -> R) (region : Fin.t n -> bool) (here there : bool) (epsilon delta stake : R) :
  0 <= epsilon -> 0 <= delta -> 0 <= stake -> finite_law p -> finite_law q -> below epsilon delta p q ->
  expected p q (fun x y => factor epsilon delta stake (hit here region x) (false_hit there region y)) <= 1.
Proof.
  intros allowed slack long of_p of_q close. unfold factor.
  assert (1 <= exp epsilon) by (pose proof (exp_ineq1_le epsilon); lra).
  replace (expected p q _) with
    (expected p q (fun x y => (1 - stake * delta) + stake * hit here region x + (- (stake * exp epsilon)) * false_hit there region y)).
  2: { apply total_ext. intros x. apply total_ext. intros y. ring. }
  rewrite expected_apart by assumption.
  assert (in_p : total (fun x => p x * hit here region x) <= mass p region).
  { apply total_le. intros x. destruct of_p as [above _]. specialize (above x). unfold hit. destruct here, (region x); lra. }
  assert (in_q : mass q region <= total (fun y => q y * false_hit there region y)).
  { apply total_le. intros y. destruct of_q as [above _]. specialize (above y). unfold false_hit. destruct there, (region y); lra. }
  specialize (close region).
  assert (exp epsilon * mass q region <= exp epsilon * total (fun y => q y * false_hit there region y)) by (apply Rmult_le_compat_l; lra).
  assert (0 <= stake * (exp epsilon * total (fun y => q y * false_hit there region y) + delta - total (fun x => p x * hit here region x)))
    by (apply Rmult_le_pos; lra). lra.
Qed.

(** Mirrors [audit.e-loss]: whatever is drawn. *)
Theorem audit_e_loss (n : nat) (region : Fin.t n -> bool) (here there : bool) (x y : Fin.t n) (epsilon delta stake fraction : R) :
  0 <= delta -> 0 <= stake -> stake * (exp epsilon + delta) <= fraction ->
  1 - factor epsilon delta stake (hit here region x) (false_hit there region y) <= fraction.
Proof.
  intros slack long most. unfold factor. assert (0 < exp epsilon) by apply exp_pos.
  assert (0 <= hit here region x) by (unfold hit; destruct here, (region x); lra).
  assert (false_hit there region y <= 1) by (unfold false_hit; destruct there, (region y); lra).
  assert (0 <= stake * (hit here region x + exp epsilon * (1 - false_hit there region y))).
  { apply Rmult_le_pos; [assumption|]. assert (0 <= exp epsilon * (1 - false_hit there region y)) by (apply Rmult_le_pos; lra). lra. }
  lra.
Qed.

Section Process.
Variables (n k : nat).
Definition history := list (Fin.t n * Fin.t n).

(** The laws given the past, and k strategies whose capitals are added up: a mixture. *)
Variables (p q : history -> Fin.t n -> R) (stake : Fin.t k -> history -> R) (region : Fin.t k -> history -> Fin.t n -> bool).
Variables (here there : history -> bool) (epsilon delta fraction threshold : R).
Hypotheses (allowed : 0 <= epsilon) (slack : 0 <= delta) (no_debt : 0 <= 1 - fraction) (above : 0 < threshold).
Hypothesis laws : forall past, finite_law (p past) /\ finite_law (q past) /\ below epsilon delta (p past) (q past).
Hypothesis stakes : forall i past, 0 <= stake i past /\ stake i past * (exp epsilon + delta) <= fraction.

Definition round (i : Fin.t k) past x y :=
  factor epsilon delta (stake i past) (hit (here past) (region i past) x) (false_hit (there past) (region i past) y).

(** The probability that the sum of the capitals reaches the threshold within some rounds. *)
Fixpoint reached (rounds : nat) (past : history) (capital : Fin.t k -> R) : R :=
  if Rle_dec threshold (total capital) then 1 else
  match rounds with
  | O => 0
  | S fewer => expected (p past) (q past) (fun x y => reached fewer (cons (x, y) past) (fun i => capital i * round i past x y))
  end.

(** The capitals after some draws. *)
Fixpoint capital_after (draws : list (Fin.t n * Fin.t n)) (past : history) (capital : Fin.t k -> R) : Fin.t k -> R :=
  match draws with
  | nil => capital
  | cons (x, y) more => capital_after more (cons (x, y) past) (fun i => capital i * round i past x y)
  end.

Lemma round_nonnegative i past x y : 0 <= round i past x y.
Proof.
  destruct (stakes i past) as [long most].
  pose proof (audit_e_loss n (region i past) (here past) (there past) x y epsilon delta (stake i past) fraction slack long most) as loss.
  fold (round i past x y) in loss. lra.
Qed.

Lemma left_over draws : forall past capital, (forall i, 0 <= capital i) -> forall i, 0 <= capital_after draws past capital i.
Proof.
  induction draws as [|[x y] more IH]; intros past capital positive i; simpl; [apply positive|].
  apply IH. intros j. apply Rmult_le_pos; [apply positive | apply round_nonnegative].
Qed.

(** Mirrors [audit.e-capital]: no more than the first capital, which is one, is lost, by a mixture too, whatever is drawn. *)
Theorem audit_e_capital (draws : list (Fin.t n * Fin.t n)) (weights : Fin.t k -> R) :
  (forall i, 0 <= weights i) -> total weights = 1 -> 1 - total (capital_after draws nil weights) <= 1.
Proof.
  intros positive whole. assert (0 <= total (capital_after draws nil weights)) by (apply total_nonnegative; intros i; now apply left_over). lra.
Qed.

Lemma ville rounds : forall past capital, (forall i, 0 <= capital i) -> reached rounds past capital <= total capital / threshold.
Proof.
  assert (there_already : forall c, threshold <= c -> 1 <= c / threshold).
  { intros c more. apply Rmult_le_reg_r with threshold; [assumption|]. replace (c / threshold * threshold) with c by (field; lra). lra. }
  induction rounds as [|fewer IH]; intros past capital positive; simpl.
  - destruct (Rle_dec threshold (total capital)); [now apply there_already|].
    apply Rmult_le_pos; [now apply total_nonnegative | apply Rlt_le; now apply Rinv_0_lt_compat].
  - destruct (Rle_dec threshold (total capital)); [now apply there_already|].
    destruct (laws past) as [of_p [of_q close]].
    apply Rle_trans with (expected (p past) (q past) (fun x y => / threshold * total (fun i => capital i * round i past x y))).
    + apply expected_le; [apply of_p | apply of_q |]. intros x y. rewrite Rmult_comm. apply IH.
      intros i. apply Rmult_le_pos; [apply positive | apply round_nonnegative].
    + rewrite expected_scale, (expected_sum (p past) (q past) (fun i x y => capital i * round i past x y)). unfold Rdiv. rewrite Rmult_comm.
      apply Rmult_le_compat_r; [apply Rlt_le; now apply Rinv_0_lt_compat|].
      apply total_le. intros i. rewrite expected_scale. rewrite <- (Rmult_1_r (capital i)) at 2. apply Rmult_le_compat_l; [apply positive|].
      apply audit_e_factor; try assumption. now destruct (stakes i past).
Qed.

(** Mirrors [audit.e-process]: within any number of rounds, so that looking after every round costs nothing. *)
Theorem audit_e_process (rounds : nat) (weights : Fin.t k -> R) :
  (forall i, 0 <= weights i) -> total weights = 1 -> reached rounds nil weights <= 1 / threshold.
Proof. intros positive whole. rewrite <- whole. now apply ville. Qed.
End Process.
