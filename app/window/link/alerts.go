package link

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// ChangeAlerts stores secrets, edits settings.json as it is at that moment, and removes secrets that are then of no
// use. It returns the references to the stored secrets, in their order, and what a person has to know of where they
// are: only if that is no keyring. After an error the settings are as before, and secrets that nothing refers to are
// removed. The error is settings.Problems if the settings are at fault.
func (l *Link) ChangeAlerts(ctx context.Context, secrets []api.Secret, edit func(*settings.Settings, []string),
	drop []string,
) (refs, notes []string, err error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	client, err := l.current()
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			for _, ref := range refs {
				_ = client.DeleteSecret(ctx, ref) // the server keeps those that are in use
			}
		}
	}()
	for _, s := range secrets {
		stored, err := client.StoreSecret(ctx, s)
		if err != nil {
			return refs, nil, err
		}
		if refs = append(refs, stored.Reference); stored.Reference != "keyring:"+s.Name {
			notes = []string{stored.Text} // the same for each
		}
	}
	var view api.SettingsView
	const attempts = 3 // someone else may save at the same moment
	for i := range attempts {
		view, err = editSettings(ctx, client, func(s *settings.Settings) { edit(s, refs) })
		if !errors.Is(err, api.ErrChanged) || i == attempts-1 {
			break
		}
	}
	if err != nil {
		return refs, nil, err
	}
	l.face.Settings(view)
	for _, ref := range drop {
		if slices.ContainsFunc(view.Settings.References(), func(r settings.Reference) bool { return r.Ref == ref }) {
			continue
		}
		if err := client.DeleteSecret(ctx, ref); err != nil {
			notes = append(notes, fmt.Sprintf("The secret %s is of no use any more and could not be removed: %v.", ref,
				err))
		}
	}
	return refs, notes, nil
}

// editSettings changes settings.json, unless it changes meanwhile: then the error is api.ErrChanged.
func editSettings(ctx context.Context, client *api.Client, edit func(*settings.Settings)) (
	v api.SettingsView, err error,
) {
	file, tag, err := client.SettingsText(ctx)
	if err != nil {
		return v, err
	}
	s, err := settings.Parse("settings.json", []byte(file.Text))
	if err != nil {
		return v, fmt.Errorf("correct settings.json first: %w", errors.New(err.Error())) // not of what was typed
	}
	edit(&s)
	text, err := settings.Marshal(s)
	if err != nil {
		return v, err
	}
	return client.SaveSettings(ctx, text, tag)
}
