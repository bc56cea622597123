(** Constants of the logistic loss log(1 + exp(-y x.w)), from the loss itself.

    The book argues with s = 1/(1 + exp(-z)) and takes the derivatives from analysis.loss-derivatives. Here the
    derivatives are derived. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus Predictor.
Open Scope R_scope.

(** ** The logistic function *)

Definition logistic z := / (1 + exp (- z)).

Lemma logistic_positive z : 0 < logistic z.
Proof. apply Rinv_0_lt_compat. assert (0 < exp (- z)) by apply exp_pos. lra. Qed.

Lemma logistic_below_one z : logistic z < 1.
Proof. unfold logistic. rewrite <- Rinv_1. apply Rinv_lt_contravar; assert (0 < exp (- z)) by apply exp_pos; lra. Qed.

Lemma logistic_opposite z : logistic (- z) = 1 - logistic z.
Proof.
  unfold logistic. rewrite Ropp_involutive, exp_Ropp. assert (0 < exp z) by apply exp_pos. field. split; lra.
Qed.

Definition curvature z := logistic z * (1 - logistic z).
Definition skewness z := logistic z * (1 - logistic z) * (1 - 2 * logistic z).

Lemma logistic_derivative z : is_derive logistic z (curvature z).
Proof.
  unfold curvature, logistic. assert (0 < exp (- z)) by apply exp_pos. auto_derive; [lra | field; lra].
Qed.

Lemma curvature_derivative z : is_derive curvature z (skewness z).
Proof.
  unfold curvature. pose proof (logistic_derivative z) as slope.
  auto_derive; [repeat split; exists (curvature z); exact slope|].
  replace (Derive (fun t => logistic t) z) with (curvature z) by (symmetry; apply is_derive_unique; exact slope).
  unfold curvature, skewness. ring.
Qed.

Lemma curvature_bound z : 0 <= curvature z <= / 4.
Proof.
  unfold curvature. pose proof (logistic_positive z). pose proof (logistic_below_one z).
  set (s := logistic z) in *. split; [apply Rmult_le_pos; lra|].
  pose proof (Rle_0_sqr (1 - 2 * s)) as square. unfold Rsqr in square. lra.
Qed.

(** With d = 1 - 2s and r = 1/sqrt 3 the slack is (d - r)^2 (d + 2r) >= 0, up to the sign of d. *)
Lemma skewness_bound z : Rabs (skewness z) <= / (6 * sqrt 3).
Proof.
  unfold skewness. pose proof (logistic_positive z). pose proof (logistic_below_one z).
  set (s := logistic z) in *. set (d := 1 - 2 * s).
  assert (root : 0 < sqrt 3) by (apply sqrt_lt_R0; lra). assert (square : sqrt 3 * sqrt 3 = 3) by (apply sqrt_sqrt; lra).
  set (r := sqrt 3 / 3). assert (0 < r) by (unfold r; lra). assert (third : r * r = / 3) by (unfold r; nra).
  replace (/ (6 * sqrt 3)) with (r / 6) by (unfold r; rewrite <- square at 2; field; lra).
  replace (s * (1 - s)) with ((1 - d * d) / 4) by (unfold d; field).
  assert (-1 < d < 1) by (unfold d; lra).
  assert (cube : r * r * r = r / 3) by (rewrite third; field). assert (plane : r * r * d = d / 3) by (rewrite third; field).
  apply Rabs_le. split.
  - destruct (Rle_lt_dec d (2 * r)).
    + assert (0 <= (d + r) * (d + r) * (2 * r - d)) by (apply Rmult_le_pos; [apply Rle_0_sqr | lra]). lra.
    + assert (0 <= (1 - d * d) * d) by (apply Rmult_le_pos; nra). lra.
  - destruct (Rle_lt_dec (- 2 * r) d).
    + assert (0 <= (d - r) * (d - r) * (d + 2 * r)) by (apply Rmult_le_pos; [apply Rle_0_sqr | lra]). lra.
    + assert (0 <= (1 - d * d) * - d) by (apply Rmult_le_pos; nra). lra.
Qed.

(** ** The logistic loss log(1 + exp(-y x.w)) of a label y = 1 or y = -1 *)

Definition sign_label y := y = 1 \/ y = -1.
Definition logistic_loss y z := ln (1 + exp (- (y * z))).
Definition logistic_slope y z := - (y * logistic (- (y * z))).

Lemma logistic_loss_derivative y z : is_derive (logistic_loss y) z (logistic_slope y z).
Proof.
  unfold logistic_loss, logistic_slope, logistic. assert (0 < exp (- (y * z))) by apply exp_pos.
  assert (0 < exp (y * z)) by apply exp_pos.
  auto_derive; [lra|]. rewrite Ropp_involutive. rewrite (exp_Ropp (y * z)). field. lra.
Qed.

Lemma logistic_slope_derivative y z : sign_label y -> is_derive (logistic_slope y) z (curvature (- (y * z))).
Proof.
  intros label. unfold logistic_slope. pose proof (logistic_derivative (- (y * z))) as slope.
  auto_derive; [exists (curvature (- (y * z))); exact slope|].
  replace (Derive (fun t => logistic t) (- (y * z))) with (curvature (- (y * z))) by (symmetry; apply is_derive_unique; exact slope).
  destruct label as [-> | ->]; ring.
Qed.

Lemma logistic_curvature_derivative y z : is_derive (fun t => curvature (- (y * t))) z (- y * skewness (- (y * z))).
Proof.
  pose proof (curvature_derivative (- (y * z))) as slope.
  auto_derive; [exists (skewness (- (y * z))); exact slope|].
  replace (Derive (fun t => curvature t) (- (y * z))) with (skewness (- (y * z))) by (symmetry; apply is_derive_unique; exact slope).
  ring.
Qed.

Lemma label_abs y : sign_label y -> Rabs y = 1.
Proof. intros [-> | ->]; [apply Rabs_R1 | apply abs_minus_one]. Qed.

Lemma logistic_slope_bound y z : sign_label y -> Rabs (logistic_slope y z) <= 1.
Proof.
  intros label. unfold logistic_slope. rewrite Rabs_Ropp, Rabs_mult, (label_abs y label).
  pose proof (logistic_positive (- (y * z))). pose proof (logistic_below_one (- (y * z))).
  rewrite Rabs_pos_eq; lra.
Qed.

(** Mirrors [logistic.smoothness]. *)
Theorem logistic_smoothness (n : nat) (x : vector n) (y row_norm : R) :
  sign_label y -> norm x <= row_norm ->
  exists g, gradient (fun w => logistic_loss y (inner x w)) g /\ smooth (row_norm ^ 2 / 4) g.
Proof.
  intros label row. eexists. split; [apply gradient_of_predictor, logistic_loss_derivative|].
  intros w v. apply (smooth_between x row_norm row); [lra|].
  apply lipschitz_of_derivative with (fun z => curvature (- (y * z))).
  - intros t. now apply logistic_slope_derivative.
  - intros t. apply Rabs_le. pose proof (curvature_bound (- (y * t))). lra.
Qed.

(** Mirrors [logistic.hessian-lipschitz]. *)
Theorem logistic_hessian_lipschitz (n : nat) (x : vector n) (y row_norm : R) :
  sign_label y -> norm x <= row_norm ->
  exists g H, gradient (fun w => logistic_loss y (inner x w)) g /\ hessian g H /\
    lipschitz_hessian (row_norm ^ 3 / (6 * sqrt 3)) H.
Proof.
  intros label row. do 2 eexists. split; [apply gradient_of_predictor, logistic_loss_derivative|].
  split; [apply hessian_of_predictor; intros z; apply (logistic_slope_derivative y z label)|].
  assert (0 < sqrt 3) by (apply sqrt_lt_R0; lra).
  intros w v u. apply (hessian_between x row_norm row (fun z => curvature (- (y * z)))).
  - apply Rlt_le, Rinv_0_lt_compat. lra.
  - apply (lipschitz_of_derivative (fun z => curvature (- (y * z))) (fun z => - y * skewness (- (y * z)))).
    + intros t. apply logistic_curvature_derivative.
    + intros t. rewrite Rabs_mult, Rabs_Ropp, (label_abs y label), Rmult_1_l. apply skewness_bound.
Qed.

(** Mirrors [logistic.gradient]. *)
Theorem logistic_gradient (n : nat) (x : vector n) (y row_norm : R) :
  sign_label y -> norm x <= row_norm ->
  exists g, gradient (fun w => logistic_loss y (inner x w)) g /\ forall w, norm (g w) <= row_norm.
Proof.
  intros label row. eexists. split; [apply gradient_of_predictor, logistic_loss_derivative|].
  intros w. rewrite <- (Rmult_1_r row_norm). apply slope_norm; [exact row | now apply logistic_slope_bound].
Qed.

(** Mirrors [logistic.self-concordance]: |D^3 f[u, u, v]| <= nu |v| D^2 f[u, u] with nu = row_norm. *)
Theorem logistic_self_concordance (n : nat) (x : vector n) (y row_norm : R) :
  sign_label y -> norm x <= row_norm ->
  exists g H, gradient (fun w => logistic_loss y (inner x w)) g /\ hessian g H /\
    forall w u v, exists third, is_derive (fun t => inner (H (w + t * v)%V u) u) 0 third /\
      Rabs third <= row_norm * norm v * inner (H w u) u.
Proof.
  intros label row. do 2 eexists. split; [apply gradient_of_predictor, logistic_loss_derivative|].
  split; [apply hessian_of_predictor; intros z; apply (logistic_slope_derivative y z label)|].
  intros w u v. set (z := inner x w).
  exists (inner x u * inner x u * (- y * skewness (- (y * z)) * inner x v)). split.
  - apply is_derive_ext with (fun t => inner x u * inner x u * curvature (- (y * inner x (w + t * v)%V))).
    { intros t. rewrite inner_scale, (Rmult_assoc (curvature _)). apply Rmult_comm. }
    apply is_derive_scal.
    pose proof (derivative_along x (fun z => curvature (- (y * z))) _ (logistic_curvature_derivative y) w v 0) as slope.
    rewrite at_zero in slope. exact slope.
  - rewrite inner_scale. fold z. unfold skewness. fold (curvature (- (y * z))).
    pose proof (curvature_bound (- (y * z))). pose proof (logistic_positive (- (y * z))). pose proof (logistic_below_one (- (y * z))).
    rewrite !Rabs_mult, Rabs_Ropp, (label_abs y label).
    assert (Rabs (1 - 2 * logistic (- (y * z))) <= 1) by (apply Rabs_le; lra).
    assert (Rabs (inner x v) <= row_norm * norm v) by now apply row_inner.
    rewrite <- Rabs_mult, (Rabs_pos_eq (inner x u * inner x u)) by nra. rewrite (Rabs_pos_eq (curvature _)) by lra.
    set (c := curvature (- (y * z))) in *. set (q := inner x u).
    apply Rle_trans with (q * q * c * (1 * (row_norm * norm v))); [|lra].
    replace (q * q * (1 * (c * Rabs (1 - 2 * logistic (- (y * z)))) * Rabs (inner x v)))
      with (q * q * c * (Rabs (1 - 2 * logistic (- (y * z))) * Rabs (inner x v))) by ring.
    apply Rmult_le_compat_l; [nra|]. apply Rmult_le_compat; [apply Rabs_pos | apply Rabs_pos | assumption | assumption].
Qed.

