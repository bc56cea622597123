(** Renyi divergences of laws on finitely many outcomes, and what they say of (epsilon, delta). *)

From Coq Require Import Reals Lra Psatz.
From Coq Require Fin.
From Book Require Import Vectors Privacy.
Open Scope R_scope.

(** x to the power a for x >= 0 and a > 1. (The power of the standard library is 1 at x = 0.) *)
Definition power x a := if Rle_lt_dec x 0 then 0 else Rpower x a.

Lemma power_nonnegative x a : 0 <= power x a.
Proof. unfold power. destruct (Rle_lt_dec x 0); [lra | apply Rlt_le, exp_pos]. Qed.

Lemma power_scaled x c a : 0 < c -> power (x / c) a = power x a * exp (- a * ln c).
Proof.
  intros positive. unfold power. assert (0 < / c) by now apply Rinv_0_lt_compat.
  destruct (Rle_lt_dec x 0) as [none|some].
  - destruct (Rle_lt_dec (x / c) 0) as [_|wrong]; [ring|]. unfold Rdiv in wrong. nra.
  - destruct (Rle_lt_dec (x / c) 0) as [wrong|_]; [assert (0 < x / c) by (now apply Rdiv_lt_0_compat); lra|].
    unfold Rpower, Rdiv. rewrite ln_mult, ln_Rinv, <- exp_plus by assumption. f_equal. ring.
Qed.

Lemma power_times x y a : 0 <= x -> 0 <= y -> power (x * y) a = power x a * power y a.
Proof.
  intros first second. unfold power.
  destruct (Rle_lt_dec x 0) as [none|some].
  - replace x with 0 by lra. rewrite Rmult_0_l. destruct (Rle_lt_dec 0 0); lra.
  - destruct (Rle_lt_dec y 0) as [none'|some'].
    + replace y with 0 by lra. rewrite Rmult_0_r. destruct (Rle_lt_dec 0 0); lra.
    + destruct (Rle_lt_dec (x * y) 0) as [wrong|_]; [assert (0 < x * y) by (now apply Rmult_lt_0_compat); lra|].
      unfold Rpower. rewrite ln_mult, <- exp_plus by assumption. f_equal. ring.
Qed.

(** analysis.bernoulli: exp is convex, so exp t = exp((1/a) a t + (1 - 1/a) 0) is at most the mean of exp(a t) and 1. *)
Lemma bernoulli x a : 0 <= x -> 1 < a -> 1 + a * (x - 1) <= power x a.
Proof.
  intros above order. unfold power. destruct (Rle_lt_dec x 0) as [none|some]; [nra|].
  unfold Rpower. set (t := ln x). rewrite <- (exp_ln x some). fold t.
  assert (0 < exp t) by apply exp_pos.
  assert (one : exp t * (1 + (a - 1) * t) <= exp (a * t)).
  { replace (a * t) with (t + (a - 1) * t) by ring. rewrite exp_plus. apply Rmult_le_compat_l; [lra | apply exp_ineq1_le]. }
  assert (other : exp t * (1 - t) <= 1).
  { apply Rle_trans with (exp t * exp (- t)); [|rewrite <- exp_plus, Rplus_opp_r, exp_0; lra].
    apply Rmult_le_compat_l; [lra|]. replace (1 - t) with (1 + - t) by ring. apply exp_ineq1_le. }
  assert ((a - 1) * (exp t * (1 - t)) <= (a - 1) * 1) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** privacy.renyi-divergence: the moment of the likelihood ratio, and the divergence of order a. *)
Definition moment {n} a (p q : Fin.t n -> R) := total (fun i => q i * power (p i / q i) a).
Definition divergence {n} a (p q : Fin.t n -> R) := ln (moment a p q) / (a - 1).

Lemma moment_nonnegative {n} a (p q : Fin.t n -> R) : (forall i, 0 < q i) -> 0 <= moment a p q.
Proof. intros above. apply total_nonnegative. intros i. specialize (above i). apply Rmult_le_pos; [lra | apply power_nonnegative]. Qed.

(** The moment of a law is at least 1, by Bernoulli's inequality at every outcome: the logarithm is taken of a positive number. *)
Lemma moment_at_least_one {n} a (p q : Fin.t n -> R) : 1 < a -> finite_law p -> finite_law q -> (forall i, 0 < q i) -> 1 <= moment a p q.
Proof.
  intros order [p_above p_whole] [_ q_whole] above.
  assert (less : total (fun i => q i - a * (q i - p i)) <= moment a p q).
  { apply total_le. intros i. specialize (above i).
    assert (0 <= p i / q i) by (apply Rmult_le_pos; [apply p_above | apply Rlt_le; now apply Rinv_0_lt_compat]).
    pose proof (bernoulli (p i / q i) a ltac:(assumption) order) as bound.
    apply (Rmult_le_compat_l (q i)) in bound; [|lra].
    replace (q i * (1 + a * (p i / q i - 1))) with (q i - a * (q i - p i)) in bound by (field; lra). exact bound. }
  assert (total (fun i => q i - p i) = 0) as none.
  { replace (fun i => q i - p i) with (fun i => q i - 1 * p i) by (apply FunctionalExtensionality.functional_extensionality; intro; ring).
    rewrite total_difference. lra. }
  rewrite (total_difference q (fun i => q i - p i)), none in less. lra.
Qed.

Lemma moment_by_divergence {n} a (p q : Fin.t n -> R) d : 1 < a -> finite_law p -> finite_law q -> (forall i, 0 < q i) ->
  divergence a p q <= d -> moment a p q <= exp ((a - 1) * d).
Proof.
  intros order of_p of_q above covered. pose proof (moment_at_least_one a p q order of_p of_q above).
  rewrite <- (exp_ln (moment a p q)) by lra. unfold divergence in covered.
  assert (ln (moment a p q) <= (a - 1) * d).
  { apply (Rmult_le_compat_l (a - 1)) in covered; [|lra].
    replace ((a - 1) * (ln (moment a p q) / (a - 1))) with (ln (moment a p q)) in covered by (field; lra). exact covered. }
  destruct H0 as [less | ->]; [apply Rlt_le; now apply exp_increasing | lra].
Qed.

(** Mirrors [renyi.profile]. *)
Theorem renyi_profile (n : nat) (p q : Fin.t n -> R) (order d epsilon : R) :
  1 < order -> finite_law p -> finite_law q -> (forall i, 0 < q i) -> divergence order p q <= d ->
  forall A, mass p A - exp epsilon * mass q A <= exp ((order - 1) * (d - epsilon + ln ((order - 1) / order))) / order.
Proof.
  intros above_one of_p of_q above covered A.
  assert (0 < (order - 1) / order) by (apply Rdiv_lt_0_compat; lra).
  assert (0 < exp epsilon) by apply exp_pos.
  set (share := ln ((order - 1) / order)).
  (* the likelihood ratio at which the tangent of Bernoulli's inequality touches *)
  set (point := exp (epsilon - share)).
  assert (0 < point) by apply exp_pos.
  assert (touching : (order - 1) * point = order * exp epsilon).
  { unfold point, Rminus at 2. rewrite exp_plus, exp_Ropp. unfold share. rewrite exp_ln by assumption. field. lra. }
  set (level := point / order * exp (- order * (epsilon - share))).
  assert (each : forall i, p i - exp epsilon * q i <= level * (q i * power (p i / q i) order)).
  { intros i. specialize (above i). destruct of_p as [p_above _].
    assert (0 <= p i / q i) by (apply Rmult_le_pos; [apply p_above | apply Rlt_le; now apply Rinv_0_lt_compat]).
    assert (ratio : 0 <= p i / q i / point) by (apply Rmult_le_pos; [assumption | apply Rlt_le; now apply Rinv_0_lt_compat]).
    pose proof (bernoulli _ order ratio above_one) as bound. rewrite power_scaled in bound by assumption.
    replace (ln point) with (epsilon - share) in bound by (unfold point; now rewrite ln_exp).
    apply (Rmult_le_compat_l (point * q i / order)) in bound.
    - replace (point * q i / order * (1 + order * (p i / q i / point - 1))) with (p i - (order - 1) * point / order * q i) in bound by (field; lra).
      rewrite touching in bound. replace (order * exp epsilon / order) with (exp epsilon) in bound by (field; lra).
      unfold level. lra.
    - apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply Rlt_le, Rinv_0_lt_compat; lra]. }
  assert (0 < level) by (apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat; lra | apply exp_pos]).
  apply Rle_trans with (level * moment order p q).
  - unfold mass, moment. rewrite <- total_difference, <- total_scale. apply total_le. intros i.
    destruct (A i); [apply each|]. rewrite Rmult_0_r, Rminus_0_r. specialize (above i).
    apply Rmult_le_pos; [lra | apply Rmult_le_pos; [lra | apply power_nonnegative]].
  - pose proof (moment_by_divergence order p q d above_one of_p of_q above covered) as bound.
    apply Rle_trans with (level * exp ((order - 1) * d)); [apply Rmult_le_compat_l; lra|].
    unfold level, point. apply Req_le. unfold Rdiv. rewrite !(Rmult_comm _ (/ order)), !Rmult_assoc, <- !exp_plus. f_equal. f_equal. ring.
Qed.

(** Mirrors [renyi.approximate]: e is a number at which P(A) - exp(e) Q(A) reaches delta. *)
Theorem renyi_approximate (n : nat) (p q : Fin.t n -> R) (order d delta e : R) (A : Fin.t n -> bool) :
  1 < order -> 0 < delta -> finite_law p -> finite_law q -> (forall i, 0 < q i) -> divergence order p q <= d ->
  delta <= mass p A - exp e * mass q A ->
  e <= d + ln ((order - 1) / order) - ln (delta * order) / (order - 1).
Proof.
  intros above_one positive of_p of_q above covered reached.
  pose proof (renyi_profile n p q order d e above_one of_p of_q above covered A) as profile.
  assert (tail : delta * order <= exp ((order - 1) * (d - e + ln ((order - 1) / order)))).
  { apply (Rmult_le_compat_r order) in profile; [|lra].
    replace (exp ((order - 1) * (d - e + ln ((order - 1) / order))) / order * order)
      with (exp ((order - 1) * (d - e + ln ((order - 1) / order)))) in profile by (field; lra).
    assert (delta * order <= (mass p A - exp e * mass q A) * order) by (apply Rmult_le_compat_r; lra). lra. }
  assert (ln (delta * order) <= (order - 1) * (d - e + ln ((order - 1) / order))).
  { rewrite <- (ln_exp ((order - 1) * _)). assert (0 < delta * order) by (apply Rmult_lt_0_compat; lra).
    destruct tail as [less | <-]; [apply Rlt_le; now apply ln_increasing | lra]. }
  assert (ln (delta * order) / (order - 1) <= d - e + ln ((order - 1) / order)).
  { apply Rmult_le_reg_l with (order - 1); [lra|].
    replace ((order - 1) * (ln (delta * order) / (order - 1))) with (ln (delta * order)) by (field; lra). assumption. }
  lra.
Qed.

(** Mirrors [renyi.simple]. *)
Theorem renyi_simple (n : nat) (p q : Fin.t n -> R) (order d delta e : R) (A : Fin.t n -> bool) :
  1 < order -> 0 < delta -> finite_law p -> finite_law q -> (forall i, 0 < q i) -> divergence order p q <= d ->
  delta <= mass p A - exp e * mass q A ->
  e <= d - ln delta / (order - 1).
Proof.
  intros above_one positive of_p of_q above covered reached.
  pose proof (renyi_approximate n p q order d delta e A above_one positive of_p of_q above covered reached) as sharp.
  rewrite ln_mult in sharp by lra.
  assert (0 < ln order) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (0 < ln order / (order - 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (0 < (order - 1) / order) by (apply Rdiv_lt_0_compat; lra).
  assert (ln ((order - 1) / order) < 0).
  { rewrite <- ln_1. apply ln_increasing; [assumption|]. apply Rmult_lt_reg_r with order; [lra|].
    replace ((order - 1) / order * order) with (order - 1) by (field; lra). lra. }
  replace ((ln delta + ln order) / (order - 1)) with (ln delta / (order - 1) + ln order / (order - 1)) in sharp by (field; lra). lra.
Qed.

(** Two releases together: the laws of pairs of outcomes. *)
Definition joint_moment {n m} a (p q : Fin.t n -> R) (p' q' : Fin.t n -> Fin.t m -> R) :=
  total (fun i => total (fun j => (q i * q' i j) * power ((p i * p' i j) / (q i * q' i j)) a)).

(** Mirrors [renyi.composition]. *)
Theorem renyi_composition (n m : nat) (p q : Fin.t n -> R) (p' q' : Fin.t n -> Fin.t m -> R) (order first second : R) :
  1 < order -> finite_law p -> finite_law q -> (forall i, 0 < q i) ->
  (forall i, finite_law (p' i)) -> (forall i, finite_law (q' i)) -> (forall i j, 0 < q' i j) ->
  divergence order p q <= first -> (forall i, divergence order (p' i) (q' i) <= second) ->
  ln (joint_moment order p q p' q') / (order - 1) <= first + second.
Proof.
  intros above_one of_p of_q above of_p' of_q' above' first_covers second_covers.
  assert (inner_bound : forall i, moment order (p' i) (q' i) <= exp ((order - 1) * second)).
  { intros i. apply moment_by_divergence; auto. }
  pose proof (moment_by_divergence order p q first above_one of_p of_q above first_covers) as outer_bound.
  assert (split : joint_moment order p q p' q' = total (fun i => q i * power (p i / q i) order * moment order (p' i) (q' i))).
  { apply total_ext. intros i. unfold moment. rewrite <- total_scale. apply total_ext. intros j. specialize (above i). specialize (above' i j).
    replace (p i * p' i j / (q i * q' i j)) with (p i / q i * (p' i j / q' i j)) by (field; lra).
    rewrite power_times.
    - ring.
    - apply Rmult_le_pos; [apply of_p | apply Rlt_le, Rinv_0_lt_compat; lra].
    - apply Rmult_le_pos; [apply of_p' | apply Rlt_le, Rinv_0_lt_compat; lra]. }
  assert (upper : joint_moment order p q p' q' <= exp ((order - 1) * first) * exp ((order - 1) * second)).
  { rewrite split. apply Rle_trans with (moment order p q * exp ((order - 1) * second)).
    - rewrite Rmult_comm. unfold moment at 2. rewrite <- total_scale. apply total_le. intros i. rewrite Rmult_comm.
      apply Rmult_le_compat_r; [|apply inner_bound].
      specialize (above i). apply Rmult_le_pos; [lra | apply power_nonnegative].
    - apply Rmult_le_compat_r; [apply Rlt_le, exp_pos | assumption]. }
  assert (lower : 1 <= joint_moment order p q p' q').
  { rewrite split. apply Rle_trans with (moment order p q); [now apply moment_at_least_one|].
    apply total_le. intros i. rewrite <- (Rmult_1_r (q i * _)) at 1. apply Rmult_le_compat_l.
    - specialize (above i). apply Rmult_le_pos; [lra | apply power_nonnegative].
    - now apply moment_at_least_one. }
  rewrite <- exp_plus, <- Rmult_plus_distr_l in upper.
  assert (ln (joint_moment order p q p' q') <= (order - 1) * (first + second)).
  { rewrite <- (ln_exp ((order - 1) * (first + second))).
    destruct upper as [less | ->]; [apply Rlt_le, ln_increasing; lra | lra]. }
  apply Rmult_le_reg_l with (order - 1); [lra|].
  replace ((order - 1) * (ln (joint_moment order p q p' q') / (order - 1))) with (ln (joint_moment order p q p' q')) by (field; lra). assumption.
Qed.

(** ** Zero-concentrated privacy: one number for all orders *)

(** privacy.zero-concentrated *)
Definition zero_concentrated {n} rho (p q : Fin.t n -> R) := forall order, 1 < order -> divergence order p q <= order * rho.

(** Mirrors [zcdp.composition], at every order. *)
Theorem zcdp_composition (n m : nat) (p q : Fin.t n -> R) (p' q' : Fin.t n -> Fin.t m -> R) (first second : R) :
  finite_law p -> finite_law q -> (forall i, 0 < q i) ->
  (forall i, finite_law (p' i)) -> (forall i, finite_law (q' i)) -> (forall i j, 0 < q' i j) ->
  zero_concentrated first p q -> (forall i, zero_concentrated second (p' i) (q' i)) ->
  forall order, 1 < order -> ln (joint_moment order p q p' q') / (order - 1) <= order * (first + second).
Proof.
  intros of_p of_q above of_p' of_q' above' one two order above_one. rewrite Rmult_plus_distr_l.
  apply renyi_composition; auto. intros i. now apply two.
Qed.

(** Mirrors [zcdp.approximate]. *)
Theorem zcdp_approximate (n : nat) (p q : Fin.t n -> R) (order rho delta e : R) (A : Fin.t n -> bool) :
  1 < order -> 0 < delta -> finite_law p -> finite_law q -> (forall i, 0 < q i) -> zero_concentrated rho p q ->
  delta <= mass p A - exp e * mass q A ->
  e <= order * rho + ln ((order - 1) / order) - ln (delta * order) / (order - 1).
Proof.
  intros above_one positive of_p of_q above concentrated reached.
  apply (renyi_approximate n p q order (order * rho) delta e A); auto.
Qed.
