(** Losses phi(x.w) of a linear predictor: gradient, Hessian and their Lipschitz constants from phi.

    The book takes Lipschitz constants from linalg.symmetric-forms. Here they come from the mean-value theorem for
    the derivatives of phi, which needs no theorem on forms. *)

From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus.
Open Scope R_scope.

Section Predictor.
Context {n : nat}.
Variables (x : vector n) (row_norm : R).
Hypothesis row : norm x <= row_norm.

Lemma along w v s t : inner x (w + (t + s) * v)%V = inner x (w + t * v)%V + s * inner x v.
Proof. rewrite !inner_add_r, !inner_scale_r. ring. Qed.

Lemma derivative_along (f d : R -> R) : (forall z, is_derive f z (d z)) ->
  forall w v t, is_derive (fun s => f (inner x (w + s * v)%V)) t (d (inner x (w + t * v)%V) * inner x v).
Proof.
  intros derivative w v t.
  apply is_derive_ext with (fun s => f (inner x w + s * inner x v)).
  { intros s. now rewrite inner_add_r, inner_scale_r. }
  replace (inner x (w + t * v)%V) with (inner x w + t * inner x v) by now rewrite inner_add_r, inner_scale_r.
  rewrite Rmult_comm. apply (is_derive_comp f (fun s => inner x w + s * inner x v)); [apply derivative|].
  auto_derive; [easy | ring].
Qed.

Lemma gradient_of_predictor (f d : R -> R) : (forall z, is_derive f z (d z)) ->
  gradient (fun w => f (inner x w)) (fun w => d (inner x w) * x)%V.
Proof. intros derivative w v t. rewrite inner_scale. now apply derivative_along. Qed.

Lemma hessian_of_predictor (d c : R -> R) : (forall z, is_derive d z (c z)) ->
  hessian (fun w => d (inner x w) * x)%V (fun w v => c (inner x w) * inner x v * x)%V.
Proof.
  intros derivative. split.
  - intros w v u t. rewrite inner_scale.
    apply is_derive_ext with (fun s => inner x u * d (inner x (w + s * v)%V)).
    { intros s. rewrite inner_scale. apply Rmult_comm. }
    rewrite Rmult_comm. apply is_derive_scal. now apply derivative_along.
  - intros w v u. rewrite inner_add_r. coordinates.
  - intros w a v. rewrite inner_scale_r. coordinates.
Qed.

Lemma row_inner v : Rabs (inner x v) <= row_norm * norm v.
Proof.
  assert (Rabs (inner x v) <= norm x * norm v) by apply cauchy_schwarz_abs.
  assert (0 <= norm v) by apply norm_nonnegative. nra.
Qed.

Lemma row_norm_nonnegative : 0 <= row_norm.
Proof. assert (0 <= norm x) by apply norm_nonnegative. lra. Qed.

(** Lipschitz constants of phi' and phi'' between the two predictors are enough, so a bound may hold on a range only. *)
Lemma smooth_between (d : R -> R) k w v : 0 <= k ->
  Rabs (d (inner x w) - d (inner x v)) <= k * Rabs (inner x w - inner x v) ->
  norm (d (inner x w) * x - d (inner x v) * x)%V <= row_norm ^ 2 * k * norm (w - v)%V.
Proof.
  intros positive near. replace (d (inner x w) * x - d (inner x v) * x)%V with ((d (inner x w) - d (inner x v)) * x)%V by coordinates.
  rewrite norm_scale. rewrite <- inner_sub_r in near. assert (Rabs (inner x (w - v)%V) <= row_norm * norm (w - v)%V) by apply row_inner.
  assert (0 <= row_norm) by apply row_norm_nonnegative. assert (0 <= norm x) by apply norm_nonnegative.
  apply Rle_trans with (k * (row_norm * norm (w - v)%V) * row_norm); [|lra].
  apply Rmult_le_compat; [apply Rabs_pos | assumption | nra | assumption].
Qed.

Lemma hessian_between (c : R -> R) k w v u : 0 <= k ->
  Rabs (c (inner x w) - c (inner x v)) <= k * Rabs (inner x w - inner x v) ->
  norm (c (inner x w) * inner x u * x - c (inner x v) * inner x u * x)%V <= row_norm ^ 3 * k * norm (w - v)%V * norm u.
Proof.
  intros positive near.
  pose proof (smooth_between c k w v positive near) as one.
  replace (c (inner x w) * inner x u * x - c (inner x v) * inner x u * x)%V
    with (inner x u * (c (inner x w) * x - c (inner x v) * x))%V by coordinates.
  rewrite norm_scale. assert (Rabs (inner x u) <= row_norm * norm u) by apply row_inner.
  apply Rle_trans with (row_norm * norm u * (row_norm ^ 2 * k * norm (w - v)%V)); [|lra].
  apply Rmult_le_compat; [apply Rabs_pos | apply norm_nonnegative | assumption | assumption].
Qed.

Lemma slope_norm b c : Rabs b <= c -> norm (b * x)%V <= row_norm * c.
Proof.
  intros bounded. rewrite norm_scale, Rmult_comm. apply Rmult_le_compat; [apply norm_nonnegative | apply Rabs_pos | assumption | assumption].
Qed.

End Predictor.

