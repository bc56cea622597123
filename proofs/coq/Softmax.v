(** Constants of the softmax loss log sum exp(W x) - (W x)_y, from the loss itself. *)

From Coq Require Import Reals Lra Psatz List.
From Coq Require Fin.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus Distance LinearAlgebra Classes.
Close Scope matrix_scope.
Open Scope R_scope.

(** ** Parameters: one vector for each class, with the Frobenius norm *)

Section Frobenius.
Variables (classes d : nat) (x : vector d) (row_norm : R).
Hypothesis row : norm x <= row_norm.

Definition parameters := Fin.t classes -> vector d.
Definition frobenius (V W : parameters) := total (fun k => inner (V k) (W k)).
Definition frobenius_norm (V : parameters) := sqrt (frobenius V V).
Definition step (W : parameters) t (V : parameters) : parameters := fun k => (W k + t * V k)%V.
Definition difference (W V : parameters) : parameters := fun k => (W k - V k)%V.
Definition scores (W : parameters) : vector classes := fun k => inner (W k) x.

Definition softmax_loss (y : Fin.t classes) z := ln (mass_of z) - z y.
Definition softmax_slope (y : Fin.t classes) (W : parameters) : parameters := fun k => ((share (scores W) - equal y)%V k * x)%V.

Lemma scores_step W t V : scores (step W t V) = (scores W + t * scores V)%V.
Proof. apply FunctionalExtensionality.functional_extensionality. intros k. unfold scores at 1. unfold step. rewrite inner_add, inner_scale. reflexivity. Qed.

Lemma row_nonnegative : 0 <= row_norm.
Proof. pose proof (norm_nonnegative x). lra. Qed.

Lemma scores_norm V : norm (scores V) <= row_norm * frobenius_norm V.
Proof.
  pose proof row_nonnegative. assert (0 <= frobenius V V) by (apply total_nonnegative; intros k; apply inner_nonnegative).
  apply norm_le_of_square; [apply Rmult_le_pos; [assumption | apply sqrt_pos]|].
  replace (row_norm * frobenius_norm V * (row_norm * frobenius_norm V)) with (row_norm * row_norm * (frobenius_norm V * frobenius_norm V)) by ring.
  unfold frobenius_norm. rewrite sqrt_sqrt by assumption. unfold frobenius. rewrite <- total_scale. apply total_le. intros k.
  unfold scores. eapply Rle_trans; [apply cauchy_schwarz_square|]. rewrite Rmult_comm.
  apply Rmult_le_compat_r; [apply inner_nonnegative|]. rewrite <- norm_square. pose proof (norm_nonnegative x). apply Rmult_le_compat; assumption.
Qed.

(** The norm of an outer product. *)
Lemma outer_norm (a : vector classes) : frobenius_norm (fun k => a k * x)%V = norm a * norm x.
Proof.
  unfold frobenius_norm, norm. rewrite <- sqrt_mult by apply inner_nonnegative. f_equal. unfold frobenius, inner at 2.
  rewrite Rmult_comm, <- total_scale. apply total_ext. intros k. rewrite inner_scale, inner_scale_r. ring.
Qed.

Lemma outer_pairing (a : vector classes) V : frobenius (fun k => a k * x)%V V = inner a (scores V).
Proof. apply total_ext. intros k. rewrite inner_scale, (inner_sym x). reflexivity. Qed.

(** The gradient of a function of the parameters. *)
Definition parameter_gradient (F : parameters -> R) (G : parameters -> parameters) :=
  forall W V t, is_derive (fun s => F (step W s V)) t (frobenius (G (step W t V)) V).

Lemma softmax_gradient_of_loss y : parameter_gradient (fun W => softmax_loss y (scores W)) (softmax_slope y).
Proof.
  intros W V t. apply is_derive_ext with (fun s => softmax_loss y (scores W + s * scores V)%V).
  { intros s. now rewrite scores_step. }
  unfold softmax_slope. rewrite (outer_pairing (share (scores (step W t V)) - equal y)%V V), inner_sub, scores_step.
  set (z := scores W). set (v := scores V). set (w := (z + t * v)%V).
  replace (inner (equal y) v) with (v y) by (symmetry; apply total_pick). pose proof (mass_positive w y) as positive.
  unfold softmax_loss. apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)).
  - replace (inner (share w) v) with (mass_of w * mean w v * / mass_of w) by (unfold mean; field; lra).
    apply (is_derive_comp ln (fun s => mass_of (z + s * v)%V)); [now apply is_derive_ln | now apply mass_along].
  - unfold add, scale. auto_derive; [easy | ring].
Qed.

(** Mirrors [softmax.gradient]. *)
Theorem softmax_gradient (y : Fin.t classes) :
  exists G, parameter_gradient (fun W => softmax_loss y (scores W)) G /\ forall W, frobenius_norm (G W) <= sqrt 2 * row_norm.
Proof.
  exists (softmax_slope y). split; [apply softmax_gradient_of_loss|]. intros W.
  unfold softmax_slope. rewrite (outer_norm (share (scores W) - equal y)%V).
  apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | apply miss_norm | exact row].
Qed.

(** Mirrors [softmax.smoothness]. *)
Theorem softmax_smoothness (y : Fin.t classes) :
  exists G, parameter_gradient (fun W => softmax_loss y (scores W)) G /\
    forall W V, frobenius_norm (difference (G W) (G V)) <= row_norm ^ 2 / 2 * frobenius_norm (difference W V).
Proof.
  exists (softmax_slope y). split; [apply softmax_gradient_of_loss|]. intros W V.
  replace (difference (softmax_slope y W) (softmax_slope y V)) with (fun k => (share (scores W) - share (scores V))%V k * x)%V.
  2: { apply FunctionalExtensionality.functional_extensionality. intros k. unfold difference, softmax_slope, sub at 1. coordinates. }
  rewrite outer_norm.
  assert (near : norm (share (scores W) - share (scores V))%V <= / 2 * (row_norm * frobenius_norm (difference W V))).
  { replace (scores W) with (scores V + scores (difference W V))%V.
    - eapply Rle_trans; [apply (share_lipschitz _ _ y)|]. apply Rmult_le_compat_l; [lra | apply scores_norm].
    - apply FunctionalExtensionality.functional_extensionality. intros k. unfold scores, add, difference. rewrite inner_sub. ring. }
  replace (row_norm ^ 2 / 2 * frobenius_norm (difference W V)) with (/ 2 * (row_norm * frobenius_norm (difference W V)) * row_norm) by field.
  apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | exact near | exact row].
Qed.

(** Mirrors [softmax.self-concordance]: H W V U is the second derivative along V and U. *)
Theorem softmax_self_concordance (y : Fin.t classes) :
  exists G H, parameter_gradient (fun W => softmax_loss y (scores W)) G /\
    (forall W V U t, is_derive (fun s => frobenius (G (step W s V)) U) t (H (step W t V) V U)) /\
    forall W U V, exists third, is_derive (fun t => H (step W t V) U U) 0 third /\
      Rabs third <= sqrt 2 * row_norm * frobenius_norm V * H W U U.
Proof.
  exists (softmax_slope y), (fun W V U => covariance (scores W) (scores V) (scores U)). split; [apply softmax_gradient_of_loss|]. split.
  - intros W V U t. apply is_derive_ext with (fun s => inner (share (scores W + s * scores V)%V) (scores U) - inner (equal y) (scores U)).
    { intros s. unfold softmax_slope. rewrite (outer_pairing (share (scores (step W s V)) - equal y)%V U), inner_sub, scores_step. reflexivity. }
    rewrite scores_step. rewrite <- (Rminus_0_r (covariance _ _ _)). apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)).
    + apply mean_along.
    + apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
  - intros W U V. set (z := scores W). set (u := scores U). set (v := scores V).
    exists (total (fun k => share z k * (v k - mean z v) * ((u k - mean z u) * (u k - mean z u)))). split.
    + pose proof (variance_along z v u y 0) as slope. rewrite at_zero in slope.
      eapply is_derive_ext; [|exact slope]. intros t. cbn beta. now rewrite scores_step.
    + set (c := sqrt 2 * row_norm * frobenius_norm V).
      assert (each : forall k, Rabs (v k - mean z v) <= c).
      { intros k. eapply Rle_trans; [apply deviation|]. unfold c. rewrite Rmult_assoc. apply Rmult_le_compat_l; [apply sqrt_pos | apply scores_norm]. }
      rewrite (covariance_centred z u u y), <- total_scale.
      assert (weight : forall k, 0 <= share z k * ((u k - mean z u) * (u k - mean z u))).
      { intros k. pose proof (share_positive z k). apply Rmult_le_pos; [lra | apply Rle_0_sqr]. }
      apply Rabs_le. split.
      * replace (- total _) with (-1 * total (fun k => c * (share z k * (u k - mean z u) * (u k - mean z u)))) by ring.
        rewrite <- total_scale. apply total_le. intros k. specialize (each k). apply Rabs_le_between in each. specialize (weight k).
        assert (0 <= (c + (v k - mean z v)) * (share z k * ((u k - mean z u) * (u k - mean z u)))) by (apply Rmult_le_pos; lra). lra.
      * apply total_le. intros k. specialize (each k). apply Rabs_le_between in each. specialize (weight k).
        assert (0 <= (c - (v k - mean z v)) * (share z k * ((u k - mean z u) * (u k - mean z u)))) by (apply Rmult_le_pos; lra). lra.
Qed.
End Frobenius.

(** ** The gradient at the minimiser *)

Lemma frobenius_nonnegative {classes d} (V : parameters classes d) : 0 <= frobenius classes d V V.
Proof. apply total_nonnegative. intros k. apply inner_nonnegative. Qed.

Lemma frobenius_triangle {classes d} (V W : parameters classes d) :
  frobenius_norm classes d (fun k => V k + W k)%V <= frobenius_norm classes d V + frobenius_norm classes d W.
Proof.
  pose proof (frobenius_nonnegative V). pose proof (frobenius_nonnegative W).
  assert (0 <= frobenius_norm classes d V) by apply sqrt_pos. assert (0 <= frobenius_norm classes d W) by apply sqrt_pos.
  pose (a := (fun k => norm (V k)) : vector classes). pose (b := (fun k => norm (W k)) : vector classes).
  assert (lengths : forall U : parameters classes d, frobenius_norm classes d U = norm (fun k => norm (U k))).
  { intros U. unfold frobenius_norm, frobenius, norm at 1, inner at 2. f_equal. apply total_ext. intros k. symmetry. apply norm_square. }
  rewrite !lengths. fold a b. eapply Rle_trans; [|apply triangle].
  apply sqrt_le_1_alt, total_le. intros k. unfold a, b, add at 3 4.
  pose proof (triangle (V k) (W k)). pose proof (norm_nonnegative (V k + W k)%V). apply Rmult_le_compat; assumption.
Qed.

Lemma softmax_loss_nonnegative {classes} (y : Fin.t classes) z : 0 <= softmax_loss classes y z.
Proof.
  unfold softmax_loss. assert (exp (z y) <= mass_of z) by (apply (total_term (fun k => exp (z k))); intros k; apply Rlt_le, exp_pos).
  assert (z y <= ln (mass_of z)); [|lra]. rewrite <- (ln_exp (z y)).
  destruct H as [less | ->]; [apply Rlt_le, ln_increasing; [apply exp_pos | exact less] | lra].
Qed.

(** The mean softmax loss over records (y, x), with its ridge term. *)
Definition ridge_softmax {classes d} (records : list (Fin.t classes * vector d)) l2 (W : parameters classes d) :=
  sum (fun r => softmax_loss classes (fst r) (scores classes d (snd r) W)) records / INR (length records) + l2 / 2 * frobenius classes d W W.

(** Mirrors [softmax.gradient-at-minimiser]: what is less at the minimiser than at 0 bounds the ridge. *)
Theorem softmax_gradient_at_minimiser (classes d : nat) (records : list (Fin.t classes * vector d)) (l2 row_norm : R) (W : parameters classes d) :
  0 < l2 -> (forall r, In r records -> norm (snd r) <= row_norm) ->
  (forall V, ridge_softmax records l2 W <= ridge_softmax records l2 V) ->
  forall r, In r records -> exists G,
    parameter_gradient classes d (fun V => softmax_loss classes (fst r) (scores classes d (snd r) V) + l2 / 2 * frobenius classes d V V) G /\
    frobenius_norm classes d (G W) <= sqrt 2 * row_norm + sqrt (2 * l2 * ln (INR classes)).
Proof.
  intros ridge rows best r among. pose proof (rows r among) as row.
  assert (some : 0 < INR (length records)) by (apply count_positive; intros ->; exact among).
  exists (fun V k => softmax_slope classes d (snd r) (fst r) V k + l2 * V k)%V. split.
  - intros V U t. replace (frobenius classes d _ U) with
      (frobenius classes d (softmax_slope classes d (snd r) (fst r) (step classes d V t U)) U + l2 * frobenius classes d (step classes d V t U) U).
    + apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)); [apply softmax_gradient_of_loss|].
      assert (square : forall s, frobenius classes d (step classes d V s U) (step classes d V s U)
          = frobenius classes d V V + (2 * s) * frobenius classes d V U + s * s * frobenius classes d U U).
      { intros s. unfold frobenius. rewrite <- !total_scale, <- !total_plus. apply total_ext. intros k. unfold step.
        rewrite !inner_add, !inner_scale, !inner_add_r, !inner_scale_r, (inner_sym (U k) (V k)). ring. }
      assert (pairing : frobenius classes d (step classes d V t U) U = frobenius classes d V U + t * frobenius classes d U U).
      { unfold frobenius. rewrite <- !total_scale, <- !total_plus. apply total_ext. intros k. unfold step. now rewrite inner_add, inner_scale. }
      rewrite pairing.
      apply is_derive_ext with (fun s => l2 / 2 * (frobenius classes d V V + (2 * s) * frobenius classes d V U + s * s * frobenius classes d U U)).
      { intros s. now rewrite square. }
      auto_derive; [easy | field].
    + unfold frobenius. rewrite <- total_scale, <- total_plus. apply total_ext. intros k. now rewrite inner_add, inner_scale.
  - eapply Rle_trans; [apply frobenius_triangle|]. apply Rplus_le_compat.
    + unfold softmax_slope. rewrite (outer_norm classes d (snd r) (share (scores classes d (snd r) W) - equal (fst r))%V).
      apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | apply miss_norm | exact row].
    + pose (origin := (fun _ => zero) : parameters classes d). specialize (best origin). unfold ridge_softmax in best.
      replace (frobenius classes d origin origin) with 0 in best.
      2: { symmetry. unfold frobenius, origin. rewrite (total_ext _ (fun _ => 0)); [apply total_zero|]. intros k. apply inner_zero. }
      assert (start : sum (fun r => softmax_loss classes (fst r) (scores classes d (snd r) origin)) records / INR (length records) = ln (INR classes)).
      { replace (sum _ records) with (INR (length records) * ln (INR classes)); [field; lra|].
        rewrite <- sum_constant. clear. induction records as [|q rest IH]; [reflexivity|]. simpl. rewrite IH. f_equal.
        unfold softmax_loss, mass_of, scores, origin. rewrite inner_zero, Rminus_0_r.
        rewrite (total_ext _ (fun _ => 1)); [rewrite total_constant; f_equal; ring|]. intros k. apply exp_0. }
      rewrite start in best.
      assert (least : 0 <= sum (fun r => softmax_loss classes (fst r) (scores classes d (snd r) W)) records / INR (length records)).
      { apply Rmult_le_pos; [|apply Rlt_le; now apply Rinv_0_lt_compat].
        apply Rle_trans with (sum (fun _ => 0) records); [rewrite sum_constant; lra|]. apply sum_le. intros q _. apply softmax_loss_nonnegative. }
      apply sqrt_le_1_alt. replace (frobenius classes d _ _) with (l2 * (l2 * frobenius classes d W W)).
      * assert (l2 * frobenius classes d W W <= 2 * ln (INR classes)) by lra.
        assert (l2 * (l2 * frobenius classes d W W) <= l2 * (2 * ln (INR classes))) by (apply Rmult_le_compat_l; lra). lra.
      * unfold frobenius. rewrite <- !total_scale. apply total_ext. intros k. now rewrite inner_scale, inner_scale_r.
Qed.
