(** What follows from (epsilon, delta): chains of laws, groups of records, attacks, two releases, a bound that may fail. *)

From Coq Require Import Reals Lra Psatz.
From Coq Require Fin.
From Book Require Import Vectors.
Open Scope R_scope.

(** ** Laws on events

    Of a law only this is used: probabilities are nonnegative and those of an event and its complement add up to one.
    Every probability on every sigma-algebra has these properties, so nothing here is confined to finite spaces. *)

Section Events.
Context {Omega : Type}.
Variable event : (Omega -> Prop) -> Prop.

Definition complement (A : Omega -> Prop) : Omega -> Prop := fun w => ~ A w.
Definition law (P : (Omega -> Prop) -> R) :=
  forall A, event A -> 0 <= P A /\ event (complement A) /\ P A + P (complement A) = 1.

(** privacy.indistinguishable *)
Definition indistinguishable epsilon delta (P Q : (Omega -> Prop) -> R) :=
  forall A, event A -> P A <= exp epsilon * Q A + delta /\ Q A <= exp epsilon * P A + delta.

(** Mirrors [approximate.triangle]. *)
Theorem approximate_triangle (P S Q : (Omega -> Prop) -> R) (first_epsilon first_delta second_epsilon second_delta : R) :
  indistinguishable first_epsilon first_delta P S -> indistinguishable second_epsilon second_delta S Q ->
  indistinguishable (first_epsilon + second_epsilon)
    (Rmax (first_delta + exp first_epsilon * second_delta) (second_delta + exp second_epsilon * first_delta)) P Q.
Proof.
  intros first second A among. destruct (first A among) as [p_to_s s_to_p]. destruct (second A among) as [s_to_q q_to_s].
  rewrite exp_plus. assert (0 < exp first_epsilon) by apply exp_pos. assert (0 < exp second_epsilon) by apply exp_pos.
  set (worst := Rmax _ _).
  assert (first_delta + exp first_epsilon * second_delta <= worst) by apply Rmax_l.
  assert (second_delta + exp second_epsilon * first_delta <= worst) by apply Rmax_r.
  assert (exp first_epsilon * S A <= exp first_epsilon * (exp second_epsilon * Q A + second_delta)) by (apply Rmult_le_compat_l; lra).
  assert (exp second_epsilon * S A <= exp second_epsilon * (exp first_epsilon * P A + first_delta)) by (apply Rmult_le_compat_l; lra).
  split; lra.
Qed.

Lemma exp_times k epsilon : exp (INR k * epsilon) = exp epsilon ^ k.
Proof.
  induction k as [|k IH]; [simpl; now rewrite Rmult_0_l, exp_0|].
  rewrite S_INR, Rmult_plus_distr_r, Rmult_1_l, exp_plus, IH. simpl. ring.
Qed.

(** Mirrors [approximate.group]: excess is exp(epsilon) - 1, group_excess covers exp(k epsilon) - 1. *)
Theorem approximate_group (P : nat -> (Omega -> Prop) -> R) (k : nat) (epsilon excess group_excess delta : R) :
  excess = exp epsilon - 1 -> 0 < excess -> exp (INR k * epsilon) - 1 <= group_excess -> 0 <= delta ->
  (forall t, indistinguishable epsilon delta (P t) (P (S t))) ->
  indistinguishable (INR k * epsilon) (delta * group_excess / excess) (P 0%nat) (P k).
Proof.
  intros known positive covered slack steps A among. rewrite exp_times in *.
  assert (ratio : exp epsilon = 1 + excess) by lra. rewrite ratio in *.
  assert (paid : delta * ((1 + excess) ^ k - 1) / excess <= delta * group_excess / excess).
  { apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra | now apply Rmult_le_compat_l]. }
  assert (chain : forall j, excess * (P j A - (1 + excess) ^ j * P 0%nat A) <= delta * ((1 + excess) ^ j - 1)
      /\ excess * (P 0%nat A - (1 + excess) ^ j * P j A) <= delta * ((1 + excess) ^ j - 1)).
  { induction j as [|j [forth back]]; [simpl; split; lra|].
    destruct (steps j A among) as [one other]. rewrite ratio in *.
    assert (0 < (1 + excess) ^ j) by (apply pow_lt; lra). set (c := (1 + excess) ^ j) in *. simpl. fold c. split.
    - assert (excess * P (S j) A <= excess * ((1 + excess) * P j A + delta)) by (apply Rmult_le_compat_l; lra).
      assert ((1 + excess) * (excess * (P j A - c * P 0%nat A)) <= (1 + excess) * (delta * (c - 1))) by (apply Rmult_le_compat_l; lra). lra.
    - assert (excess * c * P j A <= excess * c * ((1 + excess) * P (S j) A + delta)).
      { apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | lra]. } lra. }
  destruct (chain k) as [forth back].
  assert (share : excess * (delta * ((1 + excess) ^ k - 1) / excess) = delta * ((1 + excess) ^ k - 1)) by (field; lra).
  split; apply Rmult_le_reg_l with excess; try assumption.
  - assert (excess * (delta * ((1 + excess) ^ k - 1) / excess) <= excess * (delta * group_excess / excess)) by (apply Rmult_le_compat_l; lra). lra.
  - assert (excess * (delta * ((1 + excess) ^ k - 1) / excess) <= excess * (delta * group_excess / excess)) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Mirrors [approximate.total-variation]. *)
Theorem approximate_total_variation (P Q : (Omega -> Prop) -> R) (epsilon delta : R) :
  law P -> law Q -> 0 <= delta -> 0 <= 1 - delta -> indistinguishable epsilon delta P Q ->
  forall A, event A -> Rabs (P A - Q A) <= 1 - 2 * (1 - delta) / (exp epsilon + 1).
Proof.
  intros of_p of_q some most near A among. assert (0 < exp epsilon) by apply exp_pos.
  destruct (of_p A among) as [_ [also sum_p]]. destruct (of_q A among) as [_ [_ sum_q]].
  destruct (near A among) as [forth back]. destruct (near (complement A) also) as [forth' back'].
  replace (1 - 2 * (1 - delta) / (exp epsilon + 1)) with ((exp epsilon - 1 + 2 * delta) / (exp epsilon + 1)) by (field; lra).
  replace (P (complement A)) with (1 - P A) in * by lra. replace (Q (complement A)) with (1 - Q A) in * by lra.
  apply Rabs_le. split.
  - apply Rmult_le_reg_r with (exp epsilon + 1); [lra|].
    replace (- ((exp epsilon - 1 + 2 * delta) / (exp epsilon + 1)) * (exp epsilon + 1)) with (- (exp epsilon - 1 + 2 * delta)) by (field; lra). lra.
  - apply Rmult_le_reg_r with (exp epsilon + 1); [lra|].
    replace ((exp epsilon - 1 + 2 * delta) / (exp epsilon + 1) * (exp epsilon + 1)) with (exp epsilon - 1 + 2 * delta) by (field; lra). lra.
Qed.
End Events.

(** ** Laws on finitely many outcomes, where expectations are sums *)

Definition finite_law {n} (p : Fin.t n -> R) := (forall i, 0 <= p i) /\ total p = 1.
Definition mass {n} (p : Fin.t n -> R) (A : Fin.t n -> bool) := total (fun i => if A i then p i else 0).
Definition below {n} epsilon delta (p q : Fin.t n -> R) := forall A, mass p A <= exp epsilon * mass q A + delta.

Lemma mass_nonnegative {n} (p : Fin.t n -> R) A : (forall i, 0 <= p i) -> 0 <= mass p A.
Proof. intros above. apply total_nonnegative. intros i. destruct (A i); [apply above | lra]. Qed.

Lemma mass_at_most_one {n} (p : Fin.t n -> R) A : finite_law p -> mass p A <= 1.
Proof. intros [above whole]. rewrite <- whole. apply total_le. intros i. specialize (above i). destruct (A i); lra. Qed.

Lemma total_difference {n} (f g : Fin.t n -> R) c : total (fun i => f i - c * g i) = total f - c * total g.
Proof. induction n as [|n IH]; simpl; [lra|]. rewrite IH. lra. Qed.

(** A function with values in [0, 1] is a test: its mean obeys what the probabilities of events obey (Neyman-Pearson). *)
Lemma test_below {n} epsilon delta (p q : Fin.t n -> R) (h : Fin.t n -> R) :
  below epsilon delta p q -> (forall i, 0 <= h i <= 1) ->
  total (fun i => p i * h i) <= exp epsilon * total (fun i => q i * h i) + delta.
Proof.
  intros near range. pose (A i := if Rle_dec (exp epsilon * q i) (p i) then true else false).
  specialize (near A). unfold mass in near.
  assert (best : total (fun i => p i * h i - exp epsilon * (q i * h i))
      <= total (fun i => (if A i then p i else 0) - exp epsilon * (if A i then q i else 0))).
  { apply total_le. intros i. specialize (range i). unfold A. destruct (Rle_dec (exp epsilon * q i) (p i)).
    - assert ((p i - exp epsilon * q i) * h i <= (p i - exp epsilon * q i) * 1) by (apply Rmult_le_compat_l; lra). lra.
    - assert (0 <= (exp epsilon * q i - p i) * h i) by (apply Rmult_le_pos; lra). lra. }
  rewrite !total_difference in best. lra.
Qed.

(** The two releases together: the law of the second may depend on the outcome of the first. *)
Definition both {n m} (p : Fin.t n -> R) (kernel : Fin.t n -> Fin.t m -> R) (A : Fin.t n -> Fin.t m -> bool) :=
  total (fun i => p i * mass (kernel i) (A i)).

(** Mirrors [approximate.composition]. Every event of both outcomes, in one direction; exchange p and q for the other. *)
Theorem approximate_composition (n m : nat) (p q : Fin.t n -> R) (p' q' : Fin.t n -> Fin.t m -> R)
  (first_epsilon first_delta second_epsilon second_delta : R) :
  finite_law p -> finite_law q -> (forall i, finite_law (p' i)) -> (forall i, finite_law (q' i)) ->
  0 <= second_delta ->
  below first_epsilon first_delta p q -> (forall i, below second_epsilon second_delta (p' i) (q' i)) ->
  forall A, both p p' A <= exp (first_epsilon + second_epsilon) * both q q' A + (first_delta + second_delta).
Proof.
  intros [p_above p_whole] [q_above _] of_p of_q slack first second A. unfold both.
  assert (0 < exp first_epsilon) by apply exp_pos. assert (0 < exp second_epsilon) by apply exp_pos.
  pose (h i := Rmin 1 (exp second_epsilon * mass (q' i) (A i))).
  assert (range : forall i, 0 <= h i <= 1).
  { intros i. unfold h. split; [apply Rmin_glb; [lra|] | apply Rmin_l].
    apply Rmult_le_pos; [lra|]. apply mass_nonnegative. apply of_q. }
  assert (inner_step : total (fun i => p i * mass (p' i) (A i)) <= total (fun i => p i * h i) + second_delta).
  { rewrite <- (Rmult_1_r second_delta), <- p_whole, <- total_scale, <- total_plus. apply total_le. intros i.
    assert (mass (p' i) (A i) <= h i + second_delta).
    { unfold h, Rmin. destruct (Rle_dec 1 _); [pose proof (mass_at_most_one (p' i) (A i) (of_p i)); lra | apply second]. }
    specialize (p_above i). assert (p i * mass (p' i) (A i) <= p i * (h i + second_delta)) by (apply Rmult_le_compat_l; lra). lra. }
  pose proof (test_below _ _ p q h first range) as outer_step.
  assert (cut_off : total (fun i => q i * h i) <= exp second_epsilon * total (fun i => q i * mass (q' i) (A i))).
  { rewrite <- total_scale. apply total_le. intros i. specialize (q_above i).
    assert (h i <= exp second_epsilon * mass (q' i) (A i)) by apply Rmin_r.
    assert (q i * h i <= q i * (exp second_epsilon * mass (q' i) (A i))) by (apply Rmult_le_compat_l; lra). lra. }
  rewrite exp_plus. assert (exp first_epsilon * total (fun i => q i * h i)
    <= exp first_epsilon * (exp second_epsilon * total (fun i => q i * mass (q' i) (A i)))) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Mirrors [approximate.high-probability-sensitivity]. The randomness i is common to both inputs and the bound holds where good i. *)
Theorem approximate_high_probability_sensitivity (k n : nat) (randomness : Fin.t k -> R) (good : Fin.t k -> bool)
  (p q : Fin.t k -> Fin.t n -> R) (epsilon delta failure : R) :
  finite_law randomness -> (forall i, finite_law (p i)) -> (forall i, finite_law (q i)) -> 0 <= delta ->
  mass randomness (fun i => negb (good i)) <= failure ->
  (forall i, good i = true -> below epsilon delta (p i) (q i)) ->
  forall A, both randomness p (fun _ => A) <= exp epsilon * both randomness q (fun _ => A) + (delta + failure).
Proof.
  intros [above whole] of_p of_q slack bad near A. unfold both. assert (0 < exp epsilon) by apply exp_pos.
  assert (cases : total (fun i => randomness i * mass (p i) A)
      <= total (fun i => exp epsilon * (randomness i * mass (q i) A) + (delta * randomness i + (if negb (good i) then randomness i else 0)))).
  { apply total_le. intros i. specialize (above i).
    assert (0 <= mass (q i) A) by (apply mass_nonnegative; apply of_q).
    assert (0 <= delta * randomness i) by (apply Rmult_le_pos; lra).
    assert (0 <= exp epsilon * (randomness i * mass (q i) A)) by (apply Rmult_le_pos; [lra | apply Rmult_le_pos; lra]).
    destruct (good i) eqn:is_good; simpl.
    - assert (randomness i * mass (p i) A <= randomness i * (exp epsilon * mass (q i) A + delta))
        by (apply Rmult_le_compat_l; [lra | now apply near]). lra.
    - assert (randomness i * mass (p i) A <= randomness i * 1)
        by (apply Rmult_le_compat_l; [lra | now apply mass_at_most_one]). lra. }
  rewrite !total_plus, !total_scale, whole in cases. unfold mass in bad. lra.
Qed.

(** ** Audits: what two error rates say of epsilon *)

Lemma ln_at_most x epsilon : 0 < x -> x <= exp epsilon -> ln x <= epsilon.
Proof. intros positive less. rewrite <- (ln_exp epsilon). destruct less as [less | ->]; [apply Rlt_le; now apply ln_increasing | lra]. Qed.

(** Mirrors [audit.region]: P is the unlearned law, Q the retrained one, A the region. *)
Theorem audit_region {Omega : Type} (event : (Omega -> Prop) -> Prop) (P Q : (Omega -> Prop) -> R) (A : Omega -> Prop)
  (epsilon claimed false_negatives false_positives delta : R) :
  law event P -> event A -> indistinguishable event epsilon claimed P Q ->
  P (complement A) <= false_negatives -> Q A <= false_positives -> claimed <= delta ->
  0 < false_positives -> 0 < 1 - false_negatives - delta ->
  ln ((1 - false_negatives - delta) / false_positives) <= epsilon.
Proof.
  intros of_p among close missed hit slack some power. destruct (of_p A among) as [_ [_ whole]]. destruct (close A among) as [forth _].
  assert (0 < exp epsilon) by apply exp_pos.
  apply ln_at_most; [now apply Rdiv_lt_0_compat|].
  apply Rmult_le_reg_r with false_positives; [assumption|].
  replace ((1 - false_negatives - delta) / false_positives * false_positives) with (1 - false_negatives - delta) by (field; lra).
  assert (exp epsilon * Q A <= exp epsilon * false_positives) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Mirrors [audit.total-variation]. *)
Theorem audit_total_variation {Omega : Type} (event : (Omega -> Prop) -> Prop) (P Q : (Omega -> Prop) -> R) (A : Omega -> Prop)
  (epsilon claimed advantage delta : R) :
  law event P -> law event Q -> event A -> indistinguishable event epsilon claimed P Q ->
  advantage <= P A - Q A -> claimed <= delta -> 0 < advantage < 1 -> 0 < 1 + advantage - 2 * delta ->
  ln ((1 + advantage - 2 * delta) / (1 - advantage)) <= epsilon.
Proof.
  intros of_p of_q among close apart slack between power.
  destruct (of_p A among) as [_ [also whole_p]]. destruct (of_q A among) as [_ [_ whole_q]].
  destruct (close A among) as [forth _]. destruct (close (complement A) also) as [_ back].
  replace (P (complement A)) with (1 - P A) in back by lra. replace (Q (complement A)) with (1 - Q A) in back by lra.
  assert (0 < exp epsilon) by apply exp_pos.
  apply ln_at_most; [apply Rdiv_lt_0_compat; lra|].
  apply Rmult_le_reg_r with (1 - advantage); [lra|].
  replace ((1 + advantage - 2 * delta) / (1 - advantage) * (1 - advantage)) with (1 + advantage - 2 * delta) by (field; lra).
  assert (exp epsilon * (1 - (P A - Q A)) <= exp epsilon * (1 - advantage)) by (apply Rmult_le_compat_l; lra). lra.
Qed.
