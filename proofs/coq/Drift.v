(** How far two runs of gradient descent drift apart, by induction on the number of steps.

    The runs are iterations of the gradient step, so each theorem speaks of two sequences of vectors; the book speaks
    of a sequence of distances. What it takes from convexity.cocoercivity is proved in Descent.v. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus Distance Descent.
Open Scope R_scope.

(** Mirrors [drift.deletion-bias]. Terms that all records share drop out of the difference, so they are left out. *)
Theorem drift_deletion_bias (A : Type) (d : nat) (slope : A -> vector d -> vector d) (deleted retained : list A) (w : vector d)
  (n m lipschitz : R) :
  retained <> nil -> 0 < n -> 0 <= lipschitz ->
  n <= INR (length (deleted ++ retained)) -> INR (length deleted) <= m ->
  (forall r, In r (deleted ++ retained) -> norm (slope r w) <= lipschitz) ->
  norm (mean_gradient slope (deleted ++ retained) w - mean_gradient slope retained w)%V <= 2 * m * lipschitz / n.
Proof.
  intros some counted bounded many few short. assert (kept : 0 < INR (length retained)) by now apply count_positive.
  unfold mean_gradient. rewrite gather_app. rewrite app_length, plus_INR in *.
  set (k := INR (length retained)) in *. set (j := INR (length deleted)) in *. assert (0 <= j) by apply pos_INR.
  set (u := gather (fun r => slope r w) deleted). set (v := gather (fun r => slope r w) retained).
  assert (norm u <= j * lipschitz) by (apply norm_gather; intros r member; apply short, in_or_app; now left).
  assert (norm v <= k * lipschitz) by (apply norm_gather; intros r member; apply short, in_or_app; now right).
  replace (/ (j + k) * (u + v) - / k * v)%V with (/ (j + k) * (u - j / k * v))%V
    by (apply FunctionalExtensionality.functional_extensionality; intro; unfold add, sub, scale; field; lra).
  rewrite norm_scale, Rabs_pos_eq by (apply Rlt_le, Rinv_0_lt_compat; lra).
  assert (norm (u - j / k * v)%V <= 2 * j * lipschitz).
  { eapply Rle_trans; [apply triangle_sub|]. assert (0 <= j / k) by (apply Rle_div_r; lra).
    rewrite norm_scale, Rabs_pos_eq by assumption.
    assert (j / k * norm v <= j / k * (k * lipschitz)) by (apply Rmult_le_compat_l; assumption).
    replace (j / k * (k * lipschitz)) with (j * lipschitz) in * by (field; lra). lra. }
  apply -> Rle_div_r; [|assumption]. rewrite Rmult_assoc.
  apply Rmult_le_reg_l with (j + k); [lra|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
  pose proof (norm_nonnegative (u - j / k * v)%V).
  apply Rle_trans with (2 * j * lipschitz * n); [apply Rmult_le_compat_r; lra|].
  assert (j * lipschitz <= m * lipschitz) by now apply Rmult_le_compat_r. assert (0 <= j * lipschitz) by (apply Rmult_le_pos; assumption).
  apply Rle_trans with (2 * (j * lipschitz) * (j + k)); nra.
Qed.

(** The iterates of gradient descent. *)
Fixpoint run {n} (g : vector n -> vector n) step_size (start : vector n) (taken : nat) : vector n :=
  match taken with
  | O => start
  | S t => descend g step_size (run g step_size start t)
  end.

(** Mirrors [drift.one-step]: x is on the run over all records, whose gradient is h; y on that over the retained. *)
Theorem drift_one_step (n : nat) (g h : vector n -> vector n) (x y : vector n) (distance expansion step_size bias : R) :
  0 < step_size -> 0 <= expansion ->
  norm (descend g step_size x - descend g step_size y)%V <= expansion * norm (x - y)%V ->
  norm (h x - g x)%V <= bias -> norm (x - y)%V <= distance ->
  norm (descend h step_size x - descend g step_size y)%V <= expansion * distance + step_size * bias.
Proof.
  intros positive known expands biased before.
  pose proof (triangle_by (descend g step_size x) (descend h step_size x) (descend g step_size y)) as way.
  replace (descend h step_size x - descend g step_size x)%V with ((- step_size) * (h x - g x))%V in way by (unfold descend; coordinates).
  rewrite norm_scale, Rabs_left in way by lra.
  assert (expansion * norm (x - y)%V <= expansion * distance) by now apply Rmult_le_compat_l.
  assert (step_size * norm (h x - g x)%V <= step_size * bias) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Mirrors [drift.convex-step]. *)
Theorem drift_convex_step (n : nat) (F : vector n -> R) (g h : vector n -> vector n) (x y : vector n)
  (distance step_size bias smoothness : R) :
  0 < step_size -> 0 <= 2 - smoothness * step_size ->
  gradient F g -> strongly_convex 0 F -> smooth smoothness g ->
  norm (h x - g x)%V <= bias -> norm (x - y)%V <= distance ->
  norm (descend h step_size x - descend g step_size y)%V <= distance + step_size * bias.
Proof.
  intros positive short first shape lipschitz biased before. rewrite <- (Rmult_1_l distance).
  apply drift_one_step; try assumption; try lra.
  pose proof (descent_contraction n F g x y step_size 0 smoothness positive (Rle_refl 0) first shape lipschitz) as factor.
  rewrite Rmult_0_r, Rminus_0_r, Rmax_left in factor by lra. exact factor.
Qed.

Section Runs.
Variables (n : nat) (F : vector n -> R) (g h : vector n -> vector n) (start : vector n) (step_size bias : R).
Hypothesis positive : 0 < step_size.
Hypothesis biased : forall t, norm (h (run h step_size start t) - g (run h step_size start t))%V <= bias.

Lemma bias_nonnegative : 0 <= bias.
Proof. exact (Rle_trans _ _ _ (norm_nonnegative _) (biased 0)). Qed.

Lemma begin_together : norm (run h step_size start 0 - run g step_size start 0)%V = 0.
Proof. simpl. replace (start - start)%V with (@zero n) by coordinates. apply norm_zero. Qed.

(** Mirrors [drift.convex]. *)
Theorem drift_convex (smoothness steps : R) (taken : nat) :
  0 <= 2 - smoothness * step_size -> gradient F g -> strongly_convex 0 F -> smooth smoothness g ->
  INR taken <= steps ->
  norm (run h step_size start taken - run g step_size start taken)%V <= step_size * bias * steps.
Proof.
  intros short first shape lipschitz all.
  apply Rle_trans with (step_size * bias * INR taken).
  2: { apply Rmult_le_compat_l; [apply Rmult_le_pos; [lra | apply bias_nonnegative] | exact all]. }
  clear all. induction taken as [|t IH].
  - rewrite begin_together. simpl. lra.
  - rewrite S_INR. simpl run.
    pose proof (drift_convex_step n F g h _ _ _ step_size bias smoothness positive short first shape lipschitz (biased t) IH). lra.
Qed.

(** Mirrors [drift.non-convex]. *)
Theorem drift_non_convex (smoothness growth : R) (taken : nat) :
  0 < smoothness -> smooth smoothness g -> (1 + step_size * smoothness) ^ taken - 1 <= growth ->
  norm (run h step_size start taken - run g step_size start taken)%V <= bias * growth / smoothness.
Proof.
  intros curved lipschitz covered. pose proof bias_nonnegative.
  apply Rle_div_r; [assumption|]. rewrite Rmult_comm.
  apply Rle_trans with (bias * ((1 + step_size * smoothness) ^ taken - 1)); [|now apply Rmult_le_compat_l].
  clear covered. induction taken as [|t IH].
  - rewrite begin_together. simpl. lra.
  - simpl. set (x := run h step_size start t) in *. set (y := run g step_size start t) in *.
    assert (expands : norm (descend g step_size x - descend g step_size y)%V <= (1 + step_size * smoothness) * norm (x - y)%V).
    { replace (descend g step_size x - descend g step_size y)%V with ((x - y) + (- step_size) * (g x - g y))%V by (unfold descend; coordinates).
      eapply Rle_trans; [apply triangle|]. rewrite norm_scale, Rabs_left by lra. specialize (lipschitz x y).
      assert (step_size * norm (g x - g y)%V <= step_size * (smoothness * norm (x - y)%V)) by (apply Rmult_le_compat_l; lra). lra. }
    assert (rate : 0 <= step_size * smoothness) by (apply Rmult_le_pos; lra).
    pose proof (drift_one_step n g h x y _ (1 + step_size * smoothness) step_size bias positive ltac:(lra) expands (biased t) (Rle_refl _)) as step.
    assert (smoothness * norm (descend h step_size x - descend g step_size y)%V
        <= smoothness * ((1 + step_size * smoothness) * norm (x - y)%V + step_size * bias)) by (apply Rmult_le_compat_l; lra).
    assert ((1 + step_size * smoothness) * (smoothness * norm (x - y)%V)
        <= (1 + step_size * smoothness) * (bias * ((1 + step_size * smoothness) ^ t - 1))) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Mirrors [drift.strongly-convex]: c is a factor by which a step on the retained objective contracts ([descent.contraction]). *)
Theorem drift_strongly_convex (contraction decay : R) (taken : nat) :
  0 <= contraction -> 0 < 1 - contraction ->
  (forall x y, norm (descend g step_size x - descend g step_size y)%V <= contraction * norm (x - y)%V) ->
  1 - contraction ^ taken <= decay ->
  norm (run h step_size start taken - run g step_size start taken)%V <= step_size * bias * decay / (1 - contraction).
Proof.
  intros known below contracts covered. pose proof bias_nonnegative.
  assert (0 <= step_size * bias) by (apply Rmult_le_pos; lra).
  apply Rle_div_r; [assumption|]. rewrite Rmult_comm.
  apply Rle_trans with (step_size * bias * (1 - contraction ^ taken)); [|now apply Rmult_le_compat_l].
  clear covered. induction taken as [|t IH].
  - rewrite begin_together. simpl. lra.
  - simpl. set (x := run h step_size start t) in *. set (y := run g step_size start t) in *.
    pose proof (drift_one_step n g h x y _ contraction step_size bias positive known (contracts x y) (biased t) (Rle_refl _)) as step.
    assert ((1 - contraction) * norm (descend h step_size x - descend g step_size y)%V
        <= (1 - contraction) * (contraction * norm (x - y)%V + step_size * bias)) by (apply Rmult_le_compat_l; lra).
    assert (contraction * ((1 - contraction) * norm (x - y)%V) <= contraction * (step_size * bias * (1 - contraction ^ t)))
      by (apply Rmult_le_compat_l; assumption). lra.
Qed.
End Runs.
