(** The gradient of one record's logistic loss at the minimiser of the regularised mean.

    The book picks the record whose pull is greatest; here the pull of every record is bounded, and so their mean. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
From Interval Require Float.Specific_ops Float.Specific_stdz.
From Book Require Import Vectors Calculus Predictor Logistic Distance.
Open Scope R_scope.

(** The interval tactic over the integers of the standard library in place of those of the machine: slower, but it
    assumes nothing of the machine, so that only the axioms of the reals remain. *)
Module Radix := Interval.Float.Specific_ops.SpecificFloat Interval.Float.Specific_stdz.StdZRadix2.
Module Balls := IntervalTactic Radix.
Import Balls.

(** exp t is at least its third partial product, enough beyond t = 8. *)
Lemma exp_cube t : 0 <= t -> 1 + t + t * t / 3 <= exp t.
Proof.
  intros above. assert (less : 1 + t / 3 <= exp (t / 3)) by apply exp_ineq1_le.
  replace t with (t / 3 + t / 3 + t / 3) at 4 by field. rewrite !exp_plus.
  set (a := 1 + t / 3) in *. assert (1 <= a) by (unfold a; lra).
  assert (square : a * a <= exp (t / 3) * exp (t / 3)) by (apply Rmult_le_compat; lra).
  assert (a * a * a <= exp (t / 3) * exp (t / 3) * exp (t / 3)) by (apply Rmult_le_compat; nra).
  assert (0 <= t * t * t) by (apply Rmult_le_pos; nra).
  replace (a * a * a) with (1 + t + t * t / 3 + t * t * t / 27) in * by (unfold a; field). lra.
Qed.

(** t/(1 + exp t) has its peak 0.278465 near t = 1.2785. *)
Lemma peak t : 0 <= t -> t / (1 + exp t) <= 27847 / 100000.
Proof.
  intros above. destruct (Rle_lt_dec t 8) as [near|far]; [interval with (i_bisect t, i_depth 40, i_prec 30, i_autodiff t)|].
  assert (0 < exp t) by apply exp_pos. pose proof (exp_cube t above). apply Rle_div_l; [lra|]. nra.
Qed.

Lemma right_of_peak z : 127 / 100 <= z -> / (1 + exp (- z)) + 27847 / 100000 / z <= 10517 / 10000.
Proof.
  intros right. destruct (Rle_lt_dec z 8) as [near|far]; [interval with (i_bisect z, i_depth 40, i_prec 30, i_autodiff z)|].
  assert (/ (1 + exp (- z)) <= 1).
  { rewrite <- Rinv_1. assert (0 < exp (- z)) by apply exp_pos. apply Rinv_le_contravar; lra. }
  assert (27847 / 100000 / z <= 27847 / 100000 / 8) by (apply Rmult_le_compat_l; [lra | apply Rinv_le_contravar; lra]). lra.
Qed.

Lemma left_of_peak z : 0 <= z <= 127 / 100 -> exp z * (z - 1) <= 1.
Proof. intros left. interval with (i_bisect z, i_depth 40, i_prec 30, i_autodiff z). Qed.

(** Mirrors [logistic.envelope], for every z >= 0. Two tables of one variable in place of one of two: right of the peak the
    second term is at most 0.27847/z; left of it the second term is greatest at p = 1, where the two add up to one. *)
Theorem logistic_envelope (z p : R) : 0 <= z -> 0 <= p <= 1 -> / (1 + exp (- z)) + p / (1 + exp (p * z)) <= 10517 / 10000.
Proof.
  intros above part. assert (0 < exp (p * z)) by apply exp_pos. assert (0 < exp z) by apply exp_pos.
  destruct (Rle_lt_dec z (127 / 100)) as [left|right].
  - assert (p / (1 + exp (p * z)) <= / (1 + exp z)).
    { apply Rle_div_l; [lra|]. apply Rmult_le_reg_l with (1 + exp z); [lra|].
      rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      assert (tangent : exp z * (1 + (p - 1) * z) <= exp (p * z)).
      { replace (p * z) with (z + (p - 1) * z) by ring. rewrite exp_plus. apply Rmult_le_compat_l; [lra | apply exp_ineq1_le]. }
      pose proof (left_of_peak z (conj above left)) as slope.
      assert (0 <= (1 - p) * (1 - exp z * (z - 1))) by (apply Rmult_le_pos; lra). lra. }
    assert (/ (1 + exp (- z)) = 1 - / (1 + exp z)) by (rewrite exp_Ropp; field; split; lra). lra.
  - pose proof (peak (p * z) ltac:(apply Rmult_le_pos; lra)) as top. pose proof (right_of_peak z ltac:(lra)).
    assert (p / (1 + exp (p * z)) <= 27847 / 100000 / z).
    { apply -> Rle_div_r; [|lra]. replace (p / (1 + exp (p * z)) * z) with (p * z / (1 + exp (p * z))) by (field; lra). exact top. }
    lra.
Qed.

Lemma logistic_increases a b : a <= b -> logistic a <= logistic b.
Proof.
  intros order. unfold logistic. assert (0 < exp (- b)) by apply exp_pos. apply Rinv_le_contravar; [lra|].
  apply Rplus_le_compat_l. destruct order as [less | ->]; [apply Rlt_le, exp_increasing; lra | lra].
Qed.

(** What one record adds to the ridge equation: t/(1 + exp t) for t = y x.w <= z. *)
Lemma pull t z : 0 <= z -> t <= z -> t * logistic (- t) <= z * (10517 / 10000 - logistic z).
Proof.
  intros positive below. pose proof (logistic_below_one z). pose proof (logistic_positive (- t)).
  destruct (Rle_lt_dec t 0) as [back|forth]; [apply Rle_trans with 0; nra|].
  unfold logistic at 1. rewrite Ropp_involutive. assert (0 < exp t) by apply exp_pos.
  assert (part : 0 <= t / z <= 1) by (split; [apply Rlt_le, Rdiv_lt_0_compat | apply Rle_div_l]; lra).
  pose proof (logistic_envelope z (t / z) positive part) as bound. fold (logistic z) in bound.
  replace (t / z * z) with t in bound by (field; lra).
  replace (t * / (1 + exp t)) with (z * (t / z / (1 + exp t))) by (field; lra).
  apply Rmult_le_compat_l; lra.
Qed.

(** The mean logistic loss over records (y, x), with its ridge term. *)
Definition ridge_logistic {n} (records : list (R * vector n)) (l2 : R) (w : vector n) : R :=
  mean_loss (fun r w => logistic_loss (fst r) (inner (snd r) w)) records w + l2 / 2 * inner w w.

Lemma ridge_gradient {n} (F : vector n -> R) g l2 : gradient F g ->
  gradient (fun w => F w + l2 / 2 * inner w w) (fun w => g w + l2 * w)%V.
Proof.
  intros first w v t. rewrite inner_add, inner_scale.
  apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)); [apply first|].
  apply is_derive_ext with (fun s => l2 / 2 * (inner w w + 2 * s * inner w v + s * s * inner v v)).
  { intros s. rewrite !inner_add, !inner_scale, !inner_add_r, !inner_scale_r, (inner_sym v w). f_equal. simpl. ring. }
  auto_derive; [easy|]. rewrite inner_add, inner_scale. field.
Qed.

(** Mirrors [logistic.gradient-at-minimiser]. *)
Theorem logistic_gradient_at_minimiser (n : nat) (records : list (R * vector n)) (l2 row_norm : R) (w : vector n) :
  0 < l2 -> records <> nil ->
  (forall r, In r records -> sign_label (fst r) /\ norm (snd r) <= row_norm) ->
  minimiser (ridge_logistic records l2) w ->
  forall r, In r records -> exists g,
    gradient (fun v => logistic_loss (fst r) (inner (snd r) v) + l2 / 2 * inner v v) g /\
    norm (g w) <= 10517 / 10000 * row_norm.
Proof.
  intros ridge some rows best r among.
  exists (fun w => logistic_slope (fst r) (inner (snd r) w) * snd r + l2 * w)%V. split.
  { apply ridge_gradient, gradient_of_predictor, logistic_loss_derivative. }
  assert (count : 0 < INR (length records)) by now apply count_positive.
  assert (bounded : 0 <= row_norm) by (destruct (rows r among) as [_ row]; apply (row_norm_nonnegative (snd r)); exact row).
  pose proof (stationarity _ _ _ (ridge_gradient _ _ l2 (gradient_of_mean
    (fun r w => logistic_loss (fst r) (inner (snd r) w)) (fun r w => logistic_slope (fst r) (inner (snd r) w) * snd r)%V records
    (fun r => gradient_of_predictor (snd r) _ _ (logistic_loss_derivative (fst r))))) best w) as balance.
  unfold mean_gradient in balance. rewrite inner_add, !inner_scale, inner_gather in balance.
  set (z := row_norm * norm w). assert (0 <= norm w) by apply norm_nonnegative. assert (0 <= z) by (unfold z; nra).
  assert (margin : forall r, In r records -> Rabs (inner (snd r) w) <= z).
  { intros q member. apply row_inner. now apply rows. }
  assert (decay : l2 * norm w <= row_norm * (10517 / 10000 - logistic z)).
  { assert (pulls : sum (fun r => -1 * inner (logistic_slope (fst r) (inner (snd r) w) * snd r)%V w) records
        <= sum (fun _ => z * (10517 / 10000 - logistic z)) records).
    { apply sum_le. intros q member. destruct (rows q member) as [label _]. specialize (margin q member).
      rewrite inner_scale. unfold logistic_slope. set (t := fst q * inner (snd q) w).
      replace (-1 * (- (fst q * logistic (- t)) * inner (snd q) w)) with (t * logistic (- t)) by (unfold t; ring).
      apply pull; [assumption|]. apply Rle_trans with (Rabs t); [apply Rle_abs|]. unfold t. rewrite Rabs_mult, (label_abs _ label). lra. }
    rewrite sum_constant, sum_scale in pulls. rewrite <- norm_square in balance.
    set (c := INR (length records)) in *. set (total_pull := sum _ records) in *.
    replace total_pull with (- c * (l2 * (norm w * norm w))) in pulls by
      (apply Rmult_eq_reg_l with (/ c); [transitivity (- (l2 * (norm w * norm w))); [field; lra | lra] | apply Rinv_neq_0_compat; lra]).
    assert (whole : l2 * norm w * norm w <= row_norm * (10517 / 10000 - logistic z) * norm w).
    { apply Rmult_le_reg_l with c; [assumption|]. unfold z in *. lra. }
    destruct (Req_dec (norm w) 0) as [flat|steep].
    - rewrite flat, Rmult_0_r. pose proof (logistic_below_one z). apply Rmult_le_pos; lra.
    - apply Rmult_le_reg_r with (norm w); [lra | exact whole]. }
  destruct (rows r among) as [label row]. specialize (margin r among).
  assert (slope : Rabs (logistic_slope (fst r) (inner (snd r) w)) <= logistic z).
  { unfold logistic_slope. rewrite Rabs_Ropp, Rabs_mult, (label_abs _ label), Rmult_1_l.
    pose proof (logistic_positive (- (fst r * inner (snd r) w))). rewrite Rabs_pos_eq by lra. apply logistic_increases.
    apply Rle_trans with (Rabs (fst r * inner (snd r) w)); [rewrite <- Rabs_Ropp; apply Rle_abs|].
    rewrite Rabs_mult, (label_abs _ label). lra. }
  eapply Rle_trans; [apply triangle|]. rewrite (norm_scale l2), (Rabs_pos_eq l2) by lra.
  pose proof (slope_norm (snd r) row_norm row _ _ slope). lra.
Qed.
