(** Distances to the minimiser of a strongly convex objective on R^n.

    Objectives are functions with gradients, not lists of numbers: the inequalities that the book takes from
    textbooks (Cauchy-Schwarz, strong monotonicity, stationarity, Taylor) are proved in Vectors.v and Calculus.v. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus.
Open Scope R_scope.

(** Mirrors [output.residual]. The minimiser may be one under convex constraints. *)
Theorem output_residual (n : nat) (F : vector n -> R) (g : vector n -> vector n) (C : vector n -> Prop)
  (w least : vector n) (residual strong_convexity : R) :
  0 < strong_convexity -> gradient F g -> strongly_convex strong_convexity F ->
  convex C -> C w -> minimiser_in C F least ->
  norm (g w) <= residual ->
  norm (w - least)%V <= residual / strong_convexity.
Proof.
  intros positive first strong shape inside best covered.
  pose proof (growth _ _ _ _ strong shape best w inside) as up.
  pose proof (first_order _ _ _ first strong w least) as down.
  rewrite (norm_sub_sym least w) in down.
  replace (least - w)%V with ((-1) * (w - least))%V in down by coordinates. rewrite inner_scale_r in down.
  assert (strong_convexity * norm (w - least)%V <= norm (g w)) by (apply distance_from_pairing; lra).
  apply Rle_div_r; [assumption | lra].
Qed.

(** Mirrors [distance.detour]. *)
Theorem distance_detour (n : nat) (w near least : vector n) (step distance : R) :
  norm (w - near)%V <= step -> norm (near - least)%V <= distance ->
  norm (w - least)%V <= step + distance.
Proof. intros. pose proof (triangle_by near w least). lra. Qed.

(** Mirrors [distance.comparator]. *)
Theorem distance_comparator (n : nat) (F : vector n -> R) (g : vector n -> vector n) (C : vector n -> Prop)
  (w least stopped : vector n) (distance tolerance strong_convexity : R) :
  0 < strong_convexity -> gradient F g -> strongly_convex strong_convexity F ->
  convex C -> C stopped -> minimiser_in C F least ->
  norm (w - least)%V <= distance -> norm (g stopped) <= tolerance ->
  norm (w - stopped)%V <= distance + tolerance / strong_convexity.
Proof.
  intros positive first strong shape inside best near small.
  pose proof (output_residual n F g C stopped least tolerance strong_convexity positive first strong shape inside best small).
  rewrite (norm_sub_sym stopped least) in *. pose proof (triangle_by least w stopped). lra.
Qed.

(** The mean of a loss over a list of records, and of its gradient. *)
Definition mean_loss {A : Type} {n} (loss : A -> vector n -> R) records w := sum (fun r => loss r w) records / INR (length records).
Definition mean_gradient {A : Type} {n} (slope : A -> vector n -> vector n) records w :=
  (/ INR (length records) * gather (fun r => slope r w) records)%V.

Lemma gradient_of_mean {A : Type} {n} (loss : A -> vector n -> R) slope records :
  (forall r, gradient (loss r) (slope r)) -> gradient (mean_loss loss records) (mean_gradient slope records).
Proof.
  intros each x v t. unfold mean_loss, mean_gradient. rewrite inner_scale, inner_gather.
  apply is_derive_ext with (fun s => / INR (length records) * sum (fun r => loss r (x + s * v)%V) records).
  - intros s. simpl. unfold Rdiv. apply Rmult_comm.
  - apply is_derive_scal.
    induction records as [|r rest IH].
    + simpl. apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
    + apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)); [apply each | exact IH].
Qed.

Lemma count_positive {A : Type} (records : list A) : records <> nil -> 0 < INR (length records).
Proof. destruct records; [easy|]. intros _. apply lt_0_INR. simpl. lia. Qed.

(** Mirrors [output.worst-case]. Records are a list of deleted ones and a list of retained ones; the counts are given by sides. *)
Theorem output_worst_case (A : Type) (d : nat) (loss : A -> vector d -> R) (slope : A -> vector d -> vector d)
  (deleted retained : list A) (before after : vector d) (n m lipschitz strong_convexity : R) :
  0 < strong_convexity -> retained <> nil -> 0 < n - m -> 0 <= lipschitz ->
  (forall r, gradient (loss r) (slope r)) ->
  strongly_convex strong_convexity (mean_loss loss retained) ->
  minimiser (mean_loss loss (deleted ++ retained)) before ->
  minimiser (mean_loss loss retained) after ->
  n <= INR (length (deleted ++ retained)) -> INR (length deleted) <= m ->
  (forall r, In r deleted -> norm (slope r before) <= lipschitz) ->
  norm (before - after)%V <= m * lipschitz / (strong_convexity * (n - m)).
Proof.
  intros positive some left bounded each strong best_before best_after many few short.
  assert (kept : 0 < INR (length retained)) by now apply count_positive.
  rewrite app_length, plus_INR in many.
  set (k := INR (length retained)) in *. set (j := INR (length deleted)) in *.
  pose proof (stationarity _ _ _ (gradient_of_mean loss slope (deleted ++ retained) each) best_before) as zero_sum.
  assert (opposite : forall v, inner (gather (fun r => slope r before) retained) v = - inner (gather (fun r => slope r before) deleted) v).
  { intros v. specialize (zero_sum v). unfold mean_gradient in zero_sum.
    rewrite inner_scale, gather_app, inner_add, app_length, plus_INR in zero_sum. fold j k in zero_sum.
    assert (0 <= j) by apply pos_INR. apply Rmult_integral in zero_sum. destruct zero_sum as [inverse|]; [|lra].
    assert (0 < / (j + k)) by (apply Rinv_0_lt_compat; lra). lra. }
  set (s := gather (fun r => slope r before) retained) in *. set (t := gather (fun r => slope r before) deleted) in *.
  assert (norm s <= j * lipschitz).
  { apply norm_le_dual; [apply Rmult_le_pos; [apply pos_INR | assumption]|].
    intros u. rewrite opposite. assert (norm t <= j * lipschitz) by now apply norm_gather.
    assert (Rabs (inner t u) <= norm t * norm u) by apply cauchy_schwarz_abs.
    assert (- inner t u <= Rabs (inner t u)) by (rewrite <- Rabs_Ropp; apply Rle_abs).
    assert (0 <= norm u) by apply norm_nonnegative. nra. }
  assert (near : norm (mean_gradient slope retained before) <= m * lipschitz / (n - m)).
  { unfold mean_gradient. fold s k. rewrite norm_scale, Rabs_pos_eq by (apply Rlt_le, Rinv_0_lt_compat; lra).
    rewrite Rmult_comm. change (norm s / k <= m * lipschitz / (n - m)).
    assert (0 <= norm s) by apply norm_nonnegative.
    apply Rle_div_l; [assumption|].
    replace (m * lipschitz / (n - m) * k) with (m * lipschitz * k / (n - m)) by (field; lra).
    apply Rle_div_r; [assumption|].
    apply Rle_trans with (norm s * k); [apply Rmult_le_compat_l; lra|].
    apply Rmult_le_compat_r; [lra|]. apply Rle_trans with (j * lipschitz); [assumption | now apply Rmult_le_compat_r]. }
  replace (m * lipschitz / (strong_convexity * (n - m))) with (m * lipschitz / (n - m) / strong_convexity) by (field; lra).
  apply (output_residual d (mean_loss loss retained) (mean_gradient slope retained) (fun _ => True)).
  all: try easy. now apply gradient_of_mean.
Qed.

(** Mirrors [newton.after-step]. *)
Theorem newton_after_step (n : nat) (F : vector n -> R) (g : vector n -> vector n) (H : vector n -> vector n -> vector n)
  (w s least : vector n) (linear_residual previous_distance hessian_lipschitz strong_convexity : R) :
  0 < strong_convexity -> 0 <= hessian_lipschitz -> gradient F g -> hessian g H ->
  strongly_convex strong_convexity F -> lipschitz_hessian hessian_lipschitz H -> minimiser F least ->
  norm (g w + H w s)%V <= linear_residual -> norm (w - least)%V <= previous_distance ->
  norm (w + s - least)%V <= (linear_residual + hessian_lipschitz * previous_distance ^ 2 / 2) / strong_convexity.
Proof.
  intros positive bounded first second strong lipschitz best linear before.
  set (x := (w + s - least)%V). set (v := (least - w)%V).
  pose proof (taylor_remainder _ _ _ second lipschitz bounded w v) as remainder.
  unfold v in remainder at 1. rewrite the_way in remainder.
  set (rest := (g least - g w - H w v)%V) in *.
  assert (image : forall u, inner (H w x) u = inner (g w + H w s)%V u + inner rest u).
  { intros u. pose proof (stationarity _ _ _ first best u). unfold rest.
    replace x with (s + (-1) * v)%V by (unfold x, v; coordinates).
    rewrite (additive g H second), (homogeneous g H second), !inner_add, !inner_sub, inner_scale. lra. }
  assert (norm (H w x) <= norm (g w + H w s)%V + norm rest).
  { assert (0 <= norm (g w + H w s)%V) by apply norm_nonnegative. assert (0 <= norm rest) by apply norm_nonnegative.
    apply norm_le_dual; [lra|]. intros u. rewrite image.
    assert (inner (g w + H w s)%V u <= norm (g w + H w s)%V * norm u) by apply cauchy_schwarz.
    assert (inner rest u <= norm rest * norm u) by apply cauchy_schwarz. lra. }
  assert (strong_convexity * norm x <= norm (H w x)) by (apply distance_from_pairing; now apply hessian_at_least with F g).
  assert (norm v * norm v <= previous_distance * previous_distance).
  { unfold v. rewrite norm_sub_sym. assert (0 <= norm (w - least)%V) by apply norm_nonnegative. nra. }
  apply Rle_div_r; [assumption|]. nra.
Qed.

(** Mirrors [newton.corrected-residual]. *)
Theorem newton_corrected_residual (n : nat) (F : vector n -> R) (g : vector n -> vector n) (H : vector n -> vector n -> vector n)
  (w s least : vector n) (step linear_residual previous_distance hessian_lipschitz strong_convexity : R) :
  0 < strong_convexity -> 0 <= hessian_lipschitz -> gradient F g -> hessian g H ->
  strongly_convex strong_convexity F -> lipschitz_hessian hessian_lipschitz H -> minimiser F least ->
  norm s <= step -> norm (g w + H w s)%V <= linear_residual -> norm (w - least)%V <= previous_distance ->
  norm (w - least)%V <= step + (linear_residual + hessian_lipschitz * previous_distance ^ 2 / 2) / strong_convexity.
Proof.
  intros positive bounded first second strong lipschitz best length linear before.
  pose proof (newton_after_step n F g H w s least linear_residual previous_distance hessian_lipschitz strong_convexity
    positive bounded first second strong lipschitz best linear before).
  replace (w - least)%V with ((w + s - least) - s)%V by coordinates.
  pose proof (triangle_sub (w + s - least)%V s). lra.
Qed.

(** Mirrors [newton.settled-residual]: the corrected residual at the distance itself. *)
Theorem newton_settled_residual (n : nat) (F : vector n -> R) (g : vector n -> vector n) (H : vector n -> vector n -> vector n)
  (w s least : vector n) (step linear_residual previous_distance hessian_lipschitz strong_convexity : R) :
  0 < strong_convexity -> 0 <= hessian_lipschitz -> gradient F g -> hessian g H ->
  strongly_convex strong_convexity F -> lipschitz_hessian hessian_lipschitz H -> minimiser F least ->
  norm s <= step -> norm (g w + H w s)%V <= linear_residual -> norm (w - least)%V <= previous_distance ->
  0 < 2 * strong_convexity - hessian_lipschitz * previous_distance ->
  norm (w - least)%V <= (step + linear_residual / strong_convexity)
    * (1 + hessian_lipschitz * previous_distance / (2 * strong_convexity - hessian_lipschitz * previous_distance)).
Proof.
  intros positive bounded first second strong lipschitz best length linear before settled.
  pose proof (newton_corrected_residual n F g H w s least step linear_residual (norm (w - least)%V) hessian_lipschitz strong_convexity
    positive bounded first second strong lipschitz best length linear (Rle_refl _)) as corrected.
  set (e := norm (w - least)%V) in *. assert (0 <= e) by apply norm_nonnegative.
  replace ((step + linear_residual / strong_convexity)
      * (1 + hessian_lipschitz * previous_distance / (2 * strong_convexity - hessian_lipschitz * previous_distance)))
    with (2 * (strong_convexity * step + linear_residual) / (2 * strong_convexity - hessian_lipschitz * previous_distance)) by (field; lra).
  apply Rle_div_r; [assumption|].
  apply (Rmult_le_compat_l strong_convexity) in corrected; [|lra].
  replace (strong_convexity * (step + (linear_residual + hessian_lipschitz * e ^ 2 / 2) / strong_convexity))
    with (strong_convexity * step + linear_residual + hessian_lipschitz * e ^ 2 / 2) in corrected by (field; lra).
  assert (hessian_lipschitz * (e * e) <= hessian_lipschitz * (e * previous_distance)).
  { apply Rmult_le_compat_l; [assumption|]. now apply Rmult_le_compat_l. }
  nra.
Qed.

(** Mirrors [newton.one-step]. The step solves g + H s = 0 for the objective over the retained records. *)
Theorem newton_one_step (A : Type) (d : nat) (loss : A -> vector d -> R) (slope : A -> vector d -> vector d)
  (H : vector d -> vector d -> vector d) (deleted retained : list A) (before s after : vector d)
  (n m lipschitz hessian_lipschitz strong_convexity : R) :
  0 < strong_convexity -> retained <> nil -> 0 < n - m -> 0 <= lipschitz -> 0 <= hessian_lipschitz ->
  (forall r, gradient (loss r) (slope r)) ->
  hessian (mean_gradient slope retained) H -> lipschitz_hessian hessian_lipschitz H ->
  strongly_convex strong_convexity (mean_loss loss retained) ->
  minimiser (mean_loss loss (deleted ++ retained)) before ->
  minimiser (mean_loss loss retained) after ->
  n <= INR (length (deleted ++ retained)) -> INR (length deleted) <= m ->
  (forall r, In r deleted -> norm (slope r before) <= lipschitz) ->
  norm (mean_gradient slope retained before + H before s)%V = 0 ->
  norm (before + s - after)%V <= hessian_lipschitz * m ^ 2 * lipschitz ^ 2 / (2 * strong_convexity ^ 3 * (n - m) ^ 2).
Proof.
  intros positive some left bounded curved each second smooth strong best_before best_after many few short exact_step.
  pose proof (output_worst_case A d loss slope deleted retained before after n m lipschitz strong_convexity
    positive some left bounded each strong best_before best_after many few short) as shift.
  replace (hessian_lipschitz * m ^ 2 * lipschitz ^ 2 / (2 * strong_convexity ^ 3 * (n - m) ^ 2))
    with ((0 + hessian_lipschitz * (m * lipschitz / (strong_convexity * (n - m))) ^ 2 / 2) / strong_convexity) by (field; lra).
  apply newton_after_step with (mean_loss loss retained) (mean_gradient slope retained) H; try assumption; [|lra].
  now apply gradient_of_mean.
Qed.
