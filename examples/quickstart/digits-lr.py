"""The Tutorial's further experiment: logistic regression, with a grid search for its parameters."""

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("sklearn-digits-dataset")
X_train, X_test, y_train, y_test = train_test_split(
    dataset.data, dataset.target, test_size=0.5, shuffle=False
)
# The manual also passes multi_class="multinomial": today's scikit-learn always does that for lbfgs, and its
# recent releases no longer know the parameter.
parameters = {"C": [1e-3, 1e-2, 1e-1, 1, 1e2], "solver": ["lbfgs"]}
search = GridSearchCV(LogisticRegression(), parameters, cv=5, scoring="accuracy")
search.fit(X_train, y_train)

classifier = LineagePredictor(
    LogisticRegression(**search.best_params_),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
classifier.fit(X_train, y_train)
print(classifier.score(X_test, y_test))
